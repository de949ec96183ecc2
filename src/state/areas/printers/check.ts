import type { CheckItem } from '../base/check-item.ts';
import { type ConfigFile, hasContentOf } from '../base/config-file.ts';
import type { System } from '../base/system.ts';
import type { RestoreAbout } from '../base/types.ts';
import { classAt, describeClass, describePrinter, differencesOf, printerAt } from './compare.ts';
import { isPluggedIn, isRemote } from './device-uri.ts';
import { driversOf, lacksOf, remedyOf, titleOf } from './drivers.ts';
import { readOptions } from './lpoptions.ts';
import { DEFAULT_ID } from './plan.ts';
import { LPOPTIONS } from './plan-options.ts';
import { needsPlugging, PLUG_IN } from './plugged-in.ts';
import type { QueueBlock } from './queue-file.ts';
import type { DestinationOptions, PrintClass, Printer, Printers } from './schema.ts';
import { CLASSES, CUPS, PRINTERS, TargetQueues } from './target.ts';

const GROUP = 'printers';
/** lpstat of a server that does not answer is not waited for longer. */
const LPSTAT_TIMEOUT_MS = 3000;

export function checkPrinters(content: Printers, system: System, about: RestoreAbout): CheckItem[] {
  const target = new TargetQueues(system);
  const listed = listedQueues(system);
  const chosen = [...content.printers, ...content.classes].find(({ isDefault }) => isDefault);
  return [
    ...content.printers.flatMap((one) => [
      checkPrinter(one, target.find(one.name), system, listed, about),
      ...checkCable(one, system, about),
    ]),
    ...content.classes.map((one) => checkClass(one, target.find(one.name), about)),
    ...(chosen ? [checkDefault(chosen.name, target)] : []),
    ...content.options.map((one) => checkOptions(one, system)),
    ...(content.client ? [checkFile(content.client, 'client.conf', system)] : []),
    ...content.server.map((file) => checkFile(file, file.path.slice(file.path.lastIndexOf('/') + 1), system)),
    ...driversOf(content.printers).map((driver): CheckItem => {
      const lacks = lacksOf(driver, system);
      const names = driver.programs.map((program) => program.name).join(', ');
      return {
        ...{ id: `driver:${driver.name}`, group: GROUP, title: titleOf(driver), expected: names },
        observed: lacks.length > 0 ? `without ${lacks.map((program) => program.name).join(', ')}` : names,
        evidence: 'the folders of the print server’s filters and backends',
        ...(lacks.length > 0 ? { verdict: 'person', remedy: remedyOf(driver, lacks) } : { verdict: 'same' }),
      };
    }),
    ...content.foundByThemselves.map((name): CheckItem => foundByItself(name)),
  ];
}

function checkPrinter(
  one: Printer,
  block: QueueBlock | undefined,
  system: System,
  listed: ReadonlySet<string> | undefined,
  about: RestoreAbout,
): CheckItem {
  const there = block?.kind === 'Printer' ? printerAt(system, block) : undefined;
  const item = {
    id: `printer:${one.name}`,
    group: isRemote(one.deviceUri) ? 'remote printers' : GROUP,
    title: `Printer ${one.name}`,
    expected: describePrinter(one),
    observed: there ? describePrinter(there) : 'not there',
    evidence: `${PRINTERS} and ${CUPS}/ppd${listed ? '; lpstat -e' : ''}`,
  };
  if (!there) return { ...item, verdict: 'failed', remedy: 'add it in the printer settings, or restore again' };
  if (there.deviceUri !== one.deviceUri) {
    return {
      ...item,
      verdict: 'person',
      remedy: 'it leads elsewhere here: choose the address in the printer settings',
    };
  }
  const different = differencesOf(one, there, about.owners);
  if (different.length > 0) {
    return { ...item, verdict: 'failed', remedy: `compare ${different.join(', ')} in the printer settings` };
  }
  if (listed && !listed.has(one.name)) {
    const observed = `${item.observed}; the print server does not list it`;
    return { ...item, observed, verdict: 'failed', remedy: 'start the print server again: systemctl restart cups' };
  }
  return { ...item, verdict: 'same' };
}

function checkCable(one: Printer, system: System, about: RestoreAbout): CheckItem[] {
  if (!isPluggedIn(one.deviceUri)) return [];
  const isMissing = needsPlugging(one, system, about);
  return [
    {
      ...{
        id: `device:${one.name}`,
        group: GROUP,
        title: `Cable of ${one.name}`,
        expected: 'plugged in at this machine',
      },
      observed: isMissing ? 'not seen' : 'as captured',
      evidence: 'the address of the queue; serial numbers of what is plugged in',
      ...(isMissing ? { verdict: 'person', remedy: PLUG_IN } : { verdict: 'same' }),
    },
  ];
}

function checkClass(one: PrintClass, block: QueueBlock | undefined, about: RestoreAbout): CheckItem {
  const there = block?.kind === 'Class' ? classAt(block) : undefined;
  const different = there ? differencesOf(one, there, about.owners) : ['it is not there'];
  return {
    ...{ id: `class:${one.name}`, group: GROUP, title: `Printer class ${one.name}`, expected: describeClass(one) },
    observed: there ? describeClass(there) : 'not there',
    evidence: CLASSES,
    ...(different.length > 0
      ? { verdict: 'failed', remedy: `set the class up in the printer settings: ${different.join(', ')}` }
      : { verdict: 'same' }),
  };
}

function checkDefault(name: string, target: TargetQueues): CheckItem {
  const observed = target.blocks.find(({ isDefault }) => isDefault)?.name ?? 'none';
  return {
    ...{ id: DEFAULT_ID, group: GROUP, title: `Default printer ${name}`, expected: name, observed },
    evidence: PRINTERS,
    ...(observed === name
      ? { verdict: 'same' }
      : { verdict: 'person', remedy: `lpadmin -d ${name} makes it the default` }),
  };
}

function checkOptions(one: DestinationOptions, system: System): CheckItem {
  const there = readOptions(system.text(LPOPTIONS) ?? '').find(({ destination }) => destination === one.destination);
  const isSame = there?.options === one.options;
  return {
    ...{ id: `options:${one.destination}`, group: GROUP, title: `Print options of ${one.destination}` },
    expected: 'the captured ones',
    observed: isSame ? 'the captured ones' : there ? 'other ones' : 'none',
    evidence: LPOPTIONS,
    ...(isSame
      ? { verdict: 'same' }
      : { verdict: there ? 'person' : 'failed', remedy: `set them with lpoptions -p ${one.destination}` }),
  };
}

function checkFile(file: ConfigFile, name: string, system: System): CheckItem {
  const path = `${CUPS}/${name}`;
  const isSame = hasContentOf(system, file, path);
  return {
    ...{ id: `file:${name}`, group: GROUP, title: `Settings of printing (${name})`, expected: 'as captured' },
    observed: isSame ? 'as captured' : system.facts(path) ? 'another one' : 'not there',
    evidence: path,
    ...(isSame ? { verdict: 'same' } : { verdict: 'person', remedy: `compare ${path} with the captured one` }),
  };
}

function foundByItself(name: string): CheckItem {
  return {
    ...{ id: `found:${name}`, group: GROUP, title: `Printer ${name}`, expected: 'found on the network by itself' },
    ...{ observed: 'not looked for', verdict: 'skipped', evidence: 'its address begins with implicitclass' },
  };
}

/** What a running print server lists; undefined where none answers. */
function listedQueues(system: System): ReadonlySet<string> | undefined {
  const said = system.isLive ? system.run('lpstat', ['-e'], { timeoutMs: LPSTAT_TIMEOUT_MS }) : undefined;
  return said?.status === 0 ? new Set(said.stdout.split('\n')) : undefined;
}
