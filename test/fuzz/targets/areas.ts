/**
 * Each area over files that anybody may have written: it captures them, its own schema takes what it captured, and the same
 * is planned and checked on another machine. And its documents, changed: they may come from a stranger.
 */
import { ResettleError } from '../../../src/common/errors.ts';
import { parseBy } from '../../../src/common/parse-by.ts';
import { ownersFor, ownersOf } from '../../../src/state/areas/accounts/owners.ts';
import type { AccountsContent } from '../../../src/state/areas/accounts/schema.ts';
import { isPlainPath } from '../../../src/state/areas/base/change.ts';
import { ItemPlanner } from '../../../src/state/areas/base/item-planner.ts';
import { OWNERS_AS_CAPTURED } from '../../../src/state/areas/base/owners-as-captured.ts';
import { matchesPath } from '../../../src/state/areas/base/path-patterns.ts';
import { PlannedSystem } from '../../../src/state/areas/base/planned-system.ts';
import type { Area, RestoreAbout } from '../../../src/state/areas/base/types.ts';
import { AREAS } from '../../../src/state/areas/registry.ts';
import { HOSTILE_AREAS } from '../../areas/hostile/support/wishes.ts';
import { ABOUT } from '../../areas/support/machine.ts';
import { type Target, target } from '../target.ts';
import { MemoryMachine } from './machine.ts';
import { FILES } from './machine-files.ts';

const WHOLE = new MemoryMachine(FILES);
const BARE = new MemoryMachine({
  ...Object.fromEntries(
    [
      '/etc/passwd',
      '/etc/group',
      '/etc/shadow',
      '/etc/gshadow',
      '/etc/hosts',
      '/etc/login.defs',
      '/etc/cups/printers.conf',
    ]
      .concat([
        '/etc/fstab',
        '/etc/environment',
        '/etc/locale.gen',
        '/etc/default/keyboard',
        '/etc/shells',
        '/bin/bash',
      ])
      .concat(['/etc/os-release', '/usr/share/zoneinfo/Europe/Berlin', '/lib/systemd/system/ssh.service'])
      .map((path) => [path, FILES[path]!]),
  ),
  '/home/': '',
});
/** What `path` the last input of a target stood at decides which file of the machine it is. */
const SEPARATOR = '\n';

function aboutFor(area: Area, content: unknown): RestoreAbout {
  const isAccounts = area.name === 'accounts';
  const owners = isAccounts ? ownersOf(ownersFor(content as AccountsContent, BARE, [])) : OWNERS_AS_CAPTURED;
  return { ...ABOUT, owners };
}

/** Plans and checks; what is planned stays within what the area may write. Its refusals are for the caller. */
function planAndCheck(area: Area, content: unknown): void {
  const about = aboutFor(area, content);
  for (const identity of ['same', 'new'] as const) {
    const planner = new ItemPlanner(area, new PlannedSystem(BARE), identity === 'same');
    area.plan(content, planner, { ...about, identity });
    area.check(content, BARE, { ...about, identity });
    for (const { path } of planner.items.flatMap(({ changes }) => changes)) {
      if (isPlainPath(path) && area.writes.some((pattern) => matchesPath(pattern, path))) continue;
      throw new Error(`${area.name} would change ${path}`);
    }
  }
}

/** As `planAndCheck`, where the content came of a capture: nobody has a reason to refuse it. */
function captureAndPlan(area: Area, machine: MemoryMachine): void {
  const captured = area.capture(machine, { nowMs: ABOUT.nowMs });
  if (!captured) return;
  const parsed = area.schema.safeParse(JSON.parse(JSON.stringify(captured.content)));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Error(`its own schema refuses what ${area.name} captured: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  planAndCheck(area, parsed.data);
}

const MOST_READ = /^\/etc\/(passwd|group|fstab|os-release|login\.defs)$/;
/** Files that an area reads, found by looking what it asks for. */
function filesOf(area: Area): string[] {
  const asked = new Set<string>();
  const watching = new Proxy(WHOLE, {
    get(machine, name) {
      const value = Reflect.get(machine, name) as unknown;
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        if (name === 'read' || name === 'text') asked.add(String(args[0]));
        return (value as (...args: unknown[]) => unknown).apply(machine, args);
      };
    },
  });
  area.capture(watching, { nowMs: ABOUT.nowMs });
  const own = [...asked].filter(
    (path) => FILES[path] !== undefined && !(typeof FILES[path] === 'object' && 'link' in FILES[path]!),
  );
  const special = own.filter((path) => !MOST_READ.test(path));
  return special.length < 3 || area.name === 'filesystems' ? own : special;
}

/** The input: the path of a file, a line end, and what the file holds. */
function captureTarget(area: Area): Target {
  const filesRead = once(() => filesOf(area));
  return target({
    ...{
      name: `area-${area.name}-files`,
      shape: 'lines',
      refusals: [],
      weight: area.name === 'applications' ? 0.02 : 0.2,
    },
    words: WORDS,
    valid: (random) => {
      const path = random.pick(filesRead());
      return Buffer.concat([Buffer.from(path + SEPARATOR), Buffer.from(FILES[path] as string)]);
    },
    decode: (bytes) => {
      const text = Buffer.from(bytes);
      const end = text.indexOf(SEPARATOR);
      const path = text.subarray(0, Math.max(0, end)).toString('utf8');
      if (!filesRead().includes(path)) return;
      captureAndPlan(area, WHOLE.with(path, text.subarray(end + 1)));
    },
  });
}

const WORDS = [
  'ann',
  'bob',
  '/home/ann',
  '/etc/x',
  'root',
  '0',
  '4294967295',
  'yes',
  '[Section]',
  'key=value',
  'x',
  '*',
  '%h',
];

const contentOf = (area: Area): unknown => area.capture(WHOLE, { nowMs: ABOUT.nowMs })?.content;

function documentTarget(area: Area): Target {
  const documents = once(() =>
    [HOSTILE_AREAS[area.name], contentOf(area)].filter((one) => area.schema.safeParse(jsonOf(one)).success),
  );
  return target({
    ...{ name: `area-${area.name}-document`, shape: 'json', refusals: ['refused', 'damaged', 'usage'] },
    ...{ words: WORDS, weight: area.name === 'applications' ? 0.02 : 0.3 },
    valid: (random) => Buffer.from(JSON.stringify(random.pick(documents()))),
    decode: (bytes) => {
      const parsed = parseBy(area.schema, jsonText(bytes));
      if (!parsed.success) throw new ResettleError('damaged', parsed.error.issues[0]?.message ?? '');
      planAndCheck(area, parsed.data);
    },
  });
}

/** A capture takes its time: it is made when it is first needed. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

const jsonOf = (value: unknown): unknown => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));

function jsonText(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw new ResettleError('damaged', 'no JSON', { cause });
  }
}

export const AREA_TARGETS: readonly Target[] = AREAS.flatMap((area) => [captureTarget(area), documentTarget(area)]);
