import { z } from 'zod';
import type { Monitor } from './schema.ts';

const size = z.object({ width: z.number(), height: z.number() });

/** One output as KScreen of Plasma 5 notes it, a file for a set of monitors; the id is a hash of the EDID. */
const kscreenOutput = z.object({
  id: z.string(),
  enabled: z.boolean().optional(),
  primary: z.boolean().optional(),
  priority: z.number().optional(),
  rotation: z.number().optional(),
  scale: z.number().optional(),
  pos: z.object({ x: z.number(), y: z.number() }).optional(),
  mode: z.object({ refresh: z.number(), size }).optional(),
  metadata: z.object({ name: z.string().optional(), fullname: z.string().optional() }).optional(),
});
/** The same as KWin of Plasma 6 notes it, all monitors in one file. */
const kwinOutput = z.object({
  connectorName: z.string().optional(),
  edidIdentifier: z.string().optional(),
  edidHash: z.string().optional(),
  scale: z.number().optional(),
  transform: z.string().optional(),
  mode: z.object({ width: z.number(), height: z.number(), refreshRate: z.number() }).optional(),
});

const KSCREEN_ROTATIONS: Readonly<Record<number, Monitor['rotation']>> = { 2: 'left', 4: 'upside_down', 8: 'right' };
const KWIN_ROTATIONS: ReadonlyMap<string, Monitor['rotation']> = new Map(
  Object.entries<Monitor['rotation']>({
    ...{ Rotated90: 'left', Rotated180: 'upside_down', Rotated270: 'right' },
  }),
);

/** Monitors of a file of KScreen's; undefined where it is none. */
export function readKscreen(text: string): Monitor[] | undefined {
  const outputs = z.array(kscreenOutput).safeParse(jsonOf(text));
  return outputs.data
    ?.filter(({ enabled }) => enabled !== false)
    .map((output) => ({
      vendor: 'KDE',
      product: output.metadata?.fullname ?? output.metadata?.name ?? 'monitor',
      serial: output.id,
      connector: output.metadata?.name ?? '',
      rotation: KSCREEN_ROTATIONS[output.rotation ?? 1] ?? 'normal',
      ...(output.mode && { ...sizeOf(output.mode.size), rateHz: output.mode.refresh }),
      ...(output.scale !== undefined && { scale: output.scale }),
      ...(output.pos && { x: output.pos.x, y: output.pos.y }),
      isPrimary: output.primary ?? output.priority === 1,
    }));
}

/** Monitors of kwinoutputconfig.json; undefined where it is none. */
export function readKwin(text: string): Monitor[] | undefined {
  const parts = z.array(z.object({ name: z.string(), data: z.array(z.unknown()) })).safeParse(jsonOf(text));
  const outputs = parts.data?.find(({ name }) => name === 'outputs')?.data;
  return outputs?.flatMap((one): Monitor[] => {
    const output = kwinOutput.safeParse(one).data;
    if (!output?.edidIdentifier && !output?.edidHash) return [];
    const [vendor = 'KDE', product = 'monitor', ...serial] = output.edidIdentifier?.split(' ') ?? [];
    return [
      {
        vendor,
        product,
        serial: output.edidHash ?? serial.join(' '),
        connector: output.connectorName ?? '',
        rotation: KWIN_ROTATIONS.get(output.transform ?? '') ?? 'normal',
        // It counts in thousandths.
        ...(output.mode && { ...sizeOf(output.mode), rateHz: output.mode.refreshRate / 1000 }),
        ...(output.scale !== undefined && { scale: output.scale }),
        isPrimary: false,
      },
    ];
  });
}

const sizeOf = ({ width, height }: { width: number; height: number }) => ({ width, height });

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
