import type { Monitor } from './schema.ts';
import { childrenOf, readXml, textAt, type XmlElement } from './xml.ts';

const ROTATIONS: readonly string[] = ['normal', 'left', 'right', 'upside_down'];

/** Configurations of GNOME's monitors.xml, each one for a set of monitors. Undefined where it is no such file. */
export function readMonitorsXml(text: string): Monitor[][] | undefined {
  const root = readXml(text);
  if (root?.name !== 'monitors') return undefined;
  return childrenOf(root, 'configuration').map((configuration) =>
    childrenOf(configuration, 'logicalmonitor').flatMap((logical) =>
      childrenOf(logical, 'monitor').map((one) => monitorOf(logical, one)),
    ),
  );
}

function monitorOf(logical: XmlElement, one: XmlElement): Monitor {
  const [spec] = childrenOf(one, 'monitorspec');
  const [mode] = childrenOf(one, 'mode');
  const [transform] = childrenOf(logical, 'transform');
  const rotation = textAt(transform, 'rotation');
  return {
    vendor: textAt(spec, 'vendor'),
    product: textAt(spec, 'product'),
    serial: textAt(spec, 'serial'),
    connector: textAt(spec, 'connector'),
    rotation: (ROTATIONS.includes(rotation) ? rotation : 'normal') as Monitor['rotation'],
    ...numbers({ width: textAt(mode, 'width'), height: textAt(mode, 'height'), rateHz: textAt(mode, 'rate') }),
    ...numbers({ scale: textAt(logical, 'scale'), x: textAt(logical, 'x'), y: textAt(logical, 'y') }),
    isPrimary: textAt(logical, 'primary') === 'yes',
  };
}

/** Those of the texts that are numbers. */
function numbers(texts: Readonly<Record<string, string>>): Record<string, number> {
  const read = Object.entries(texts).map(([name, text]) => [name, text === '' ? Number.NaN : Number(text)] as const);
  return Object.fromEntries(read.filter(([, value]) => Number.isFinite(value)));
}
