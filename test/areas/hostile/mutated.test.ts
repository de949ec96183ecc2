import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { ResettleError } from '../../../src/common/errors.ts';
import { ownersFor, ownersOf } from '../../../src/state/areas/accounts/owners.ts';
import type { AccountsContent } from '../../../src/state/areas/accounts/schema.ts';
import { type Change, isPlainPath } from '../../../src/state/areas/base/change.ts';
import { ItemPlanner } from '../../../src/state/areas/base/item-planner.ts';
import type { LocalSystem } from '../../../src/state/areas/base/local-system.ts';
import { OWNERS_AS_CAPTURED } from '../../../src/state/areas/base/owners-as-captured.ts';
import { matchesPath } from '../../../src/state/areas/base/path-patterns.ts';
import { PlannedSystem } from '../../../src/state/areas/base/planned-system.ts';
import type { System } from '../../../src/state/areas/base/system.ts';
import type { Area, RestoreAbout } from '../../../src/state/areas/base/types.ts';
import { AREAS } from '../../../src/state/areas/registry.ts';
import { ABOUT, machineWith } from '../support/machine.ts';
import { type Mutation, mutated } from './support/mutated.ts';
import { accounts, homeOf, person, targetWith } from './support/target.ts';
import { HOSTILE_AREAS } from './support/wishes.ts';

/** More than in every run, to be asked for: `RESETTLE_MUTATIONS=1000000`. */
const RUNS = Number(process.env.RESETTLE_MUTATIONS ?? 8_000);

const VALID: Readonly<Record<string, unknown>> = {
  ...HOSTILE_AREAS,
  accounts: accounts(
    [
      person('bob', 1005, { shadow: { password: '$y$x', last_change: 1 } }),
      person('carl', 1006, { subuids: [{ start: 100_000, count: 65_536 }] }),
    ],
    {
      memberships: [{ groupname: 'sudo', members: ['carl', 'bob'] }],
      system_users: [{ username: 'www-data', uid: 33 }],
      system_groups: [{ groupname: 'sudo', gid: 27 }],
    },
  ),
  homes: {
    homes: [
      { ...homeOf('bob', 1005), mail: '/var/mail/bob' },
      { ...homeOf('carl', 1006), link: '/data/carl' },
    ],
  },
  environment: {
    ...(HOSTILE_AREAS.environment as object),
    locale: [{ name: 'LANG', value: 'de_DE.UTF-8' }],
    generatedLocales: ['de_DE.UTF-8 UTF-8'],
    timeZone: 'Europe/Berlin',
  },
  display: {
    people: [
      {
        ...{ name: 'bob', home: '/home/bob', session: { session: 'gnome', icon: 'AAAA', iconPath: '/home/bob/face' } },
        monitors: [{ vendor: 'DEL', product: 'x', serial: '1', connector: 'DP-1', rotation: 'left', isPrimary: true }],
        ...{ timeouts: [{ name: 'gnome/idle-delay', value: '1' }], scripts: ['.xprofile'] },
      },
    ],
    xorg: [],
  },
  ttys: {
    settings: [{ path: '/etc/default/keyboard', values: [{ name: 'XKBLAYOUT', value: 'de' }] }],
    links: [
      {
        path: '/etc/systemd/system/getty.target.wants/serial-getty@ttyS0.service',
        target: '/lib/systemd/system/serial-getty@.service',
      },
    ],
    files: [],
  },
  printers: {
    ...(HOSTILE_AREAS.printers as object),
    classes: [
      {
        name: 'all',
        isDefault: true,
        isEnabled: true,
        isAccepting: true,
        isShared: true,
        settings: [],
        members: ['ordinary'],
      },
    ],
    options: [{ destination: 'ordinary/duplex', isDefault: true, options: 'sides=two-sided-long-edge' }],
  },
};

const TARGET = targetWith({
  '/etc/default/keyboard': 'XKBLAYOUT="us"\n',
  '/etc/default/locale': 'LANG=C\n',
  '/etc/locale.gen': '# de_DE.UTF-8 UTF-8\n',
  '/usr/share/zoneinfo/Europe/Berlin': 'TZif2',
  '/usr/share/wayland-sessions/gnome.desktop': '[Desktop Entry]\n',
  '/lib/systemd/system/serial-getty@.service': '[Install]\n',
  '/var/spool/cron/crontabs/bob': '0 1 * * * mine\n',
});

/** A machine whose programs are not asked: thousands of them would take their time. */
function quiet(system: LocalSystem): System {
  const still = Object.create(system) as { run: System['run'] };
  still.run = () => undefined;
  return still as unknown as System;
}

/** What a line of a file may be; a line that was there already is not judged. */
const LINES: readonly (readonly [files: RegExp, line: RegExp])[] = [
  [/^\/etc\/passwd-?$/, /^[A-Za-z_][\w.-]*\$?:x:[1-9]\d*:[1-9]\d*:[^:]*:[^:]*:[^:]*$/],
  [/^\/etc\/shadow-?$/, /^[A-Za-z_][\w.-]*\$?:[^:\s]*(?::-?\d*){6}:$/],
  [/^\/etc\/group-?$/, /^[A-Za-z_][\w.-]*\$?:[^:]*:\d+:[\w.$,-]*$/],
  [/^\/etc\/gshadow-?$/, /^[A-Za-z_][\w.-]*\$?:[^:]*:[^:]*:[\w.$,-]*$/],
  [/^\/etc\/sub[ug]id-?$/, /^[A-Za-z_][\w.-]*\$?:\d+:\d+$/],
  [/^\/etc\/hosts$/, /^[0-9a-f.:]+\s+[\w.-]+(?: [\w.-]+)*(?: # \P{Cc}*)?$/iu],
  [/^\/etc\/fstab$/, /^[^\t ]+\t\/[^\t ]*\t[\w.,-]+\t[^\t ]+\t\d+\t\d+$/],
  [/^\/etc\/environment$/, /^[A-Za-z_]\w*=\P{Cc}*$/u],
  [/^\/etc\/shells$/, /^\/[\w.+/-]+$/],
  [/^\/etc\/(?:locale\.gen|default\/(?:locale|keyboard)|timezone|hostname)$/, /^[\w.@:,"=/ +()[\]-]*$/],
  [/^\/var\/lib\/AccountsService\/users\//, /^(?:\[User\]|(?:Session|XSession|Icon|SystemAccount)=[^\p{Cc}]*)$/u],
  [
    /^\/etc\/cups\/(?:printers|classes)\.conf$/,
    /^(?:#.*|<\/?(?:Default)?(?:Printer|Class)(?: [^\s<>]+)?>|[A-Z][A-Za-z]+(?: [^\p{Cc}]*)?)$/u,
  ],
  [/^\/etc\/cups\/lpoptions$/, /^(?:Dest|Default) \S+(?: \P{Cc}*)?$/u],
];

function assertLines({ path, content }: Change & { kind: 'file' }, before: string): void {
  const grammar = LINES.find(([files]) => files.test(path))?.[1];
  if (!grammar) return;
  const known = new Set(before.split('\n'));
  for (const line of Buffer.from(content).toString('utf8').split('\n')) {
    if (line !== '' && !known.has(line)) assert.match(line, grammar, path);
  }
}

function assertPlan(area: Area, content: unknown, system: System, about: RestoreAbout, isAllowed: boolean): boolean {
  const planner = new ItemPlanner(area, new PlannedSystem(system), isAllowed);
  try {
    area.plan(content, planner, about);
    area.check(content, system, about);
  } catch (error) {
    assert.ok(error instanceof ResettleError, `${area.name}: ${error instanceof Error ? error.stack : error}`);
  }
  const texts = new Map<string, string>();
  for (const { changes, effect, action } of planner.items) {
    if (!isAllowed && effect) assert.equal(action, 'withhold');
    for (const change of changes) {
      const { path } = change;
      assert.ok(isPlainPath(path) && area.writes.some((pattern) => matchesPath(pattern, path)), path);
      if ('mode' in change && change.kind === 'file') assert.equal(change.mode & 0o6000, 0, `${path} is setuid`);
      if (change.kind !== 'file') continue;
      // A copy of before has what was there.
      const before =
        texts.get(path) ??
        `${system.text(path) ?? ''}\n${system.text(path.replace(/-$/, '')) ?? ''}\n${texts.get(path.replace(/-$/, '')) ?? ''}`;
      assertLines(change, before);
      texts.set(path, `${before}\n${Buffer.from(change.content).toString('utf8')}`);
    }
  }
  return planner.items.length > 0;
}

/** Those of applications walk the catalogue, which takes too long for thousands: every tenth of them is looked at. */
const SLOW = 10;

function aboutOf(content: unknown, area: Area, system: System, isSame: boolean): RestoreAbout {
  const about: RestoreAbout = { ...ABOUT, identity: isSame ? 'same' : 'new' };
  if (area.name !== 'accounts') return { ...about, owners: OWNERS_AS_CAPTURED };
  return { ...about, owners: ownersOf(ownersFor(content as AccountsContent, system, [])) };
}

const mutation: fc.Arbitrary<Mutation> = fc.record({ at: fc.nat(), how: fc.nat(), value: fc.nat() });

test('documents of every area, changed at random: only errors of ours, only its own paths, nobody is root, no line holds two', (t: TestContext) => {
  const system = quiet(machineWith(t, TARGET));
  const counts = { taken: 0, refused: 0 };
  let slow = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...AREAS),
      fc.array(mutation, { minLength: 0, maxLength: 3 }),
      fc.boolean(),
      fc.boolean(),
      (area, mutations, isAllowed, isSame) => {
        if (area.name === 'applications' && slow++ % SLOW > 0) return;
        const parsed = area.schema.safeParse(mutated(VALID[area.name], mutations));
        if (!parsed.success) {
          counts.refused++;
          return;
        }
        counts.taken++;
        let about: RestoreAbout;
        try {
          about = aboutOf(parsed.data, area, system, isSame);
        } catch (error) {
          assert.ok(error instanceof ResettleError, String(error));
          return;
        }
        assertPlan(area, parsed.data, system, about, isAllowed);
      },
    ),
    { numRuns: RUNS, interruptAfterTimeLimit: process.env.RESETTLE_MUTATIONS ? 24 * 3600 * 1000 : 100_000 },
  );
  t.diagnostic(`${counts.taken} documents were planned and checked, ${counts.refused} refused by their schemas`);
  assert.ok(counts.taken > counts.refused / 10, 'enough of them are taken to say something');
});

test('every document that is changed is a valid one before', () => {
  for (const area of AREAS) assert.ok(area.schema.safeParse(VALID[area.name]).success, area.name);
});
