import { lstatSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ResettleError } from '../../../common/errors.ts';
import { AREA_DOCUMENT_MAX_BYTES, AREA_ITEMS_MAX } from '../../../common/limits.ts';
import { parseBy } from '../../../common/parse-by.ts';
import { damaged } from '../../format/damaged.ts';
import { plainPath } from './config-file.ts';
import { LocalSystem } from './local-system.ts';
import { AREA_NAMES, type AreaName, isAreaName } from './names.ts';
import type { Area, CouldNot } from './types.ts';

const line = z.string().max(4096);

/** What a snapshot says of the machine that was captured, and of what its areas took: `machine.json`. */
export const machineDocument = z.object({
  format: z.literal(1),
  source: z.object({ hostname: line, osId: line, osVersion: line, osName: line }),
  /** Whether the capture could read what only root can. */
  asRoot: z.boolean(),
  capturedAt: line,
  areas: z.array(z.object({ name: line, version: z.number().int().min(1) })).max(1000),
  /** What the file engine took for them. */
  roots: z.array(z.object({ path: plainPath, area: line, isPersonal: z.boolean() })).max(AREA_ITEMS_MAX),
  couldNot: z.array(z.object({ area: line, what: line, why: line })).max(AREA_ITEMS_MAX),
});
export type MachineDocument = z.infer<typeof machineDocument>;

const expectedItem = z.object({
  /** The area that judges it. */
  area: line,
  id: line,
  group: line,
  title: line,
  expected: line,
  observed: line,
  verdict: z.enum(['same', 'changed', 'person', 'failed', 'skipped']),
  evidence: line,
  remedy: line.optional(),
});
/** An item of what was expected when it was captured. */
export type ExpectedItem = z.infer<typeof expectedItem>;
/** Those of all areas: `checklist.json`. */
export const checklistDocument = z.array(expectedItem).max(AREA_ITEMS_MAX * 10);

/** An area's own document: `NAME.json`. */
const areaDocument = z.strictObject({ area: z.string(), version: z.number().int().min(1), content: z.unknown() });

/** What a snapshot's documents say, checked. */
export interface Documents {
  readonly machine: MachineDocument;
  readonly contents: ReadonlyMap<AreaName, unknown>;
  readonly checklist: readonly ExpectedItem[];
  /** Areas that are of a later version, or unknown here, or whose document is wrong: the others go on. */
  readonly problems: readonly CouldNot[];
}

/** Returns its size in bytes. Throws `failed` beyond 32 MiB. */
export function writeDocument(folder: string, name: string, content: unknown): number {
  const text = `${JSON.stringify(content)}\n`;
  const bytes = Buffer.byteLength(text);
  if (bytes > AREA_DOCUMENT_MAX_BYTES) {
    throw new ResettleError('failed', `what the area ${name} has to say takes more than 32 MiB`, {
      hint: 'leave that area out with --areas',
    });
  }
  writeFileSync(join(folder, `${name}.json`), text, { mode: 0o600, flag: 'wx' });
  return bytes;
}

export function writeAreaDocument(folder: string, { name, version }: Area, content: unknown): number {
  return writeDocument(folder, name, { area: name, version, content });
}

/** Reads what a snapshot carried; it may come from anybody. Throws `damaged` where even the machine's document is wrong. */
export function readDocuments(folder: string, areas: readonly Area[]): Documents {
  if (!lstatSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw damaged('its areas are no folder');
  const machine = parseBy(machineDocument, readJson(folder, 'machine'));
  if (!machine.success) throw damaged(`what the snapshot says of its areas is wrong: ${issueOf(machine.error)}`);
  const contents = new Map<AreaName, unknown>();
  const problems: CouldNot[] = [];
  // Of one that is named twice, the first counts: each may be large.
  const named = new Map(machine.data.areas.toReversed().map(({ name, version }) => [name, version]));
  for (const [name, version] of named) {
    const area = areas.find((one) => one.name === name);
    if (!area || version > area.version || !isAreaName(name)) {
      problems.push({ what: `area ${name}`, why: 'it is of a later version of resettle; restore it with that one' });
      continue;
    }
    const outer = parseBy(areaDocument, readJson(folder, name));
    const isIt = outer.success && outer.data.area === name && outer.data.version === version;
    const content = isIt ? parseBy(area.schema, outer.data.content) : undefined;
    if (content?.success) contents.set(name, content.data);
    else
      problems.push({ what: `area ${name}`, why: `its document is wrong: ${issueOf(outer.error ?? content?.error)}` });
  }
  const checklist = parseBy(checklistDocument, readJson(folder, 'checklist'));
  if (!checklist.success) problems.push({ what: 'the checklist of the capture', why: 'it cannot be read' });
  return { machine: machine.data, contents, checklist: checklist.data ?? [], problems };
}

/** The areas that a list of names means, in the order of a restore. Throws `usage` for a name that is none. */
export function areasOf(list: readonly string[]): readonly AreaName[] {
  const wrong = list.find((name) => !isAreaName(name));
  if (wrong !== undefined) {
    throw new ResettleError('usage', `there is no area ${JSON.stringify(wrong)}`, {
      hint: `areas are ${AREA_NAMES.join(', ')}`,
    });
  }
  return AREA_NAMES.filter((name) => list.includes(name));
}

/** Regular files in that folder alone: a link or a pipe would lead to what nobody asked for, or to no end. */
function readJson(folder: string, name: string): unknown {
  try {
    const bytes = new LocalSystem(folder).read(`/${name}.json`, AREA_DOCUMENT_MAX_BYTES);
    return bytes && JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

function issueOf(error: z.ZodError | undefined): string {
  const issue = error?.issues[0];
  return issue ? `${issue.path.join('.')}: ${issue.message}`.slice(0, 300) : 'it is not what it should be';
}
