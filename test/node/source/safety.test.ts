import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PeerIdText } from '../../../src/common/ids.ts';
import { type HolderEvidence, type SafetyInput, safety } from '../../../src/node/roles/source/safety/safety.ts';

const HOUR = 3_600_000;
const LIFE = 24 * HOUR;
const NOW = 1_800_000_000_000;
const peer = (name: string): PeerIdText => name as PeerIdText;

function holder(name: string, changes: Partial<HolderEvidence> = {}): HolderEvidence {
  return {
    peerId: peer(name),
    name,
    machine: `machine of ${name}`,
    isActive: true,
    says: 'held',
    readAtMs: NOW - HOUR,
    has: () => true,
    ...changes,
  };
}

/** Everything is there: two copies, read back, and tried by the destination. */
const sound: SafetyInput = {
  nowMs: NOW,
  lifeMs: LIFE,
  replicas: 2,
  packs: 3,
  wiped: { peerId: peer('laptop'), machine: 'machine of laptop' },
  holders: [holder('nas'), holder('den')],
  key: { way: 'trial', destination: 'desk', triedAtMs: NOW - 2 * HOUR, tried: [peer('nas'), peer('den')] },
  neededBy: [],
};
const shares = (changes: object): SafetyInput['key'] => ({
  way: 'shares',
  needed: 2,
  givenAtMs: NOW - HOUR,
  holders: ['a', 'b', 'c'].map((name) => ({ name, confirmed: true, lost: undefined })),
  ...changes,
});

function missingOf(changes: Partial<SafetyInput>): string {
  const { safe, untilMs, missing } = safety({ ...sound, ...changes });
  assert.equal(safe, false);
  assert.equal(untilMs, 0);
  assert.ok(missing.length > 0);
  return missing.join('; ');
}

test('with every copy read back and the key tried it is safe, until the oldest of that is a day old', () => {
  assert.deepEqual(safety(sound), { safe: true, untilMs: NOW + 22 * HOUR, copies: 2, missing: [] });
  const inPlace = safety({ ...sound, key: shares({}) });
  assert.deepEqual(inPlace, { safe: true, untilMs: NOW + 23 * HOUR, copies: 2, missing: [] });
});

test('each thing that is missing is named', () => {
  const [nas, den] = sound.holders as [HolderEvidence, HolderEvidence];
  const one = (changes: Partial<HolderEvidence>): string => missingOf({ holders: [nas, { ...den, ...changes }] });
  assert.match(one({ isActive: false }), /den is no active member; 1 of 2 copies are verified/);
  assert.match(one({ says: undefined }), /den has not signed that it holds this snapshot/);
  assert.match(one({ says: 'damaged' }), /den says that its copy is damaged/);
  assert.match(one({ says: 'deleted' }), /den has deleted its copy/);
  assert.match(one({ readAtMs: undefined }), /nothing was read back from den/);
  assert.match(one({ readAtMs: NOW - LIFE }), /what was read back from den is too old/);
  assert.match(one({ readAtMs: NOW + HOUR }), /too old/, 'evidence from the future proves nothing');
  assert.match(one({ machine: 'machine of laptop' }), /den is on the machine that is to be wiped/);
  assert.match(one({ peerId: peer('laptop') }), /on the machine that is to be wiped/);
  assert.match(one({ machine: nas.machine }), /1 of 2 copies are verified/, 'two agents on one machine are one copy');
  assert.match(one({ has: (pack) => pack !== 1 }), /1 of 2 copies are verified/, 'a copy without one pack is none');
  assert.match(missingOf({ holders: [] }), /0 of 2 copies/);

  const trial = (changes: object): string => missingOf({ key: { ...sound.key, ...changes } as SafetyInput['key'] });
  assert.match(trial({ destination: undefined }), /the destination is not named yet/);
  assert.match(trial({ triedAtMs: undefined }), /desk has not tried to open it/);
  assert.match(trial({ triedAtMs: NOW - LIFE }), /the trial of desk is too old/);
  assert.match(trial({ tried: [peer('nas')] }), /desk has not opened it from den/);

  assert.match(missingOf({ key: { way: 'untried', what: 'the recovery code' } }), /nobody has tried the recovery code/);
  const share = (changes: object): string => missingOf({ key: shares(changes) });
  assert.match(share({ givenAtMs: undefined }), /no shares of the key were given out/);
  assert.match(share({ givenAtMs: NOW - LIFE }), /checked too long ago/);
  assert.match(
    share({ holders: [{ name: 'a', confirmed: true, lost: undefined }] }),
    /1 of 2 shares of the key are out/,
  );
  assert.match(
    share({
      holders: [
        { name: 'a', confirmed: true, lost: undefined },
        { name: 'b', confirmed: false, lost: undefined },
      ],
    }),
    /b has not signed that it keeps its share/,
  );
});

test('a share counts only with a member that stays one, on a machine that is not wiped as well', () => {
  const of = (...lost: (string | undefined)[]) =>
    shares({ holders: lost.map((why, index) => ({ name: 'abc'[index], confirmed: true, lost: why })) });
  const wiped = 'is to be wiped or given away itself, with its share of the key';
  assert.equal(safety({ ...sound, key: of(undefined, wiped, undefined) }).safe, true, 'two of three are enough');
  assert.match(
    missingOf({ key: of(undefined, wiped, 'is no active member') }),
    /^b is to be wiped or given away itself.*; c is no active member; 1 of 2 shares of the key are out$/,
  );
});

test('a machine that keeps a share which another one needs is not wiped', () => {
  assert.equal(
    missingOf({ neededBy: ['lab-7'] }),
    'without the share that this machine keeps, lab-7 cannot get its state back',
  );
});

test('a holder too many that is not verified takes nothing away', () => {
  const holders = [...sound.holders, holder('late', { says: undefined, readAtMs: undefined })];
  assert.equal(safety({ ...sound, holders }).safe, true);
});

test('a spread state counts by its rarest pack', () => {
  const part = (name: string, ...packs: number[]) => holder(name, { has: (pack) => packs.includes(pack) });
  const of = (holders: HolderEvidence[]) => safety({ ...sound, holders, key: shares({}) }).copies;
  assert.equal(of([part('a', 0, 1), part('b', 2)]), 1);
  assert.equal(of([part('a', 0, 1), part('b', 2), part('c', 0, 1, 2)]), 2);
  assert.equal(of([part('a', 0, 1), part('b', 1)]), 0);
});

const anyTime = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: NOW - LIFE + 1, max: NOW }) },
  { weight: 1, arbitrary: fc.integer({ min: NOW - 2 * LIFE, max: NOW + LIFE }) },
  { weight: 1, arbitrary: fc.constant(undefined) },
);
const mostly = fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) });
const anyHolder = fc.record({
  name: fc.constantFrom('nas', 'den', 'shed', 'laptop'),
  machine: fc.constantFrom(null, 'x', 'y', 'machine of laptop'),
  isActive: mostly,
  says: fc.constantFrom(
    'held' as const,
    'held' as const,
    'held' as const,
    'damaged' as const,
    'deleted' as const,
    undefined,
  ),
  readAtMs: anyTime,
  packs: fc.array(mostly, { minLength: 3, maxLength: 3 }),
});
const anyKey: fc.Arbitrary<SafetyInput['key']> = fc.oneof(
  fc.record({
    way: fc.constant('trial' as const),
    destination: fc.constantFrom('desk', undefined),
    triedAtMs: anyTime,
    tried: fc.subarray(['nas', 'den', 'shed'].map(peer)),
  }),
  fc.record({
    way: fc.constant('shares' as const),
    needed: fc.integer({ min: 2, max: 3 }),
    givenAtMs: anyTime,
    holders: fc.array(
      fc.record({
        name: fc.constantFrom('a', 'b'),
        confirmed: mostly,
        lost: fc.constantFrom(undefined, undefined, 'is no active member'),
      }),
      { maxLength: 5 },
    ),
  }),
  fc.record({ way: fc.constant('untried' as const), what: fc.constant('the recovery key') }),
);

test('for any evidence: safe exactly where nothing is missing, never without the copies, never for longer than a day', () => {
  let safe = 0;
  fc.assert(
    fc.property(
      fc.array(anyHolder, { maxLength: 5 }),
      anyKey,
      fc.integer({ min: 1, max: 3 }),
      (list, key, replicas) => {
        const holders = list.map(({ packs, name, ...rest }) =>
          holder(name, { ...rest, peerId: peer(name), has: (pack) => packs[pack]! }),
        );
        const judged = safety({ ...sound, holders, key, replicas });
        assert.equal(judged.safe, judged.missing.length === 0);
        assert.equal(judged.safe, judged.untilMs > 0);
        if (!judged.safe) return;
        safe += 1;
        assert.ok(judged.untilMs > NOW && judged.untilMs <= NOW + LIFE);
        const good = holders.filter(
          ({ isActive, says, readAtMs, peerId, machine }) =>
            isActive &&
            says === 'held' &&
            readAtMs !== undefined &&
            readAtMs <= NOW &&
            NOW - readAtMs < LIFE &&
            peerId !== 'laptop' &&
            machine !== 'machine of laptop',
        );
        for (const pack of [0, 1, 2]) {
          const machines = new Set(good.filter(({ has }) => has(pack)).map(({ machine, peerId }) => machine ?? peerId));
          assert.ok(machines.size >= replicas);
        }
        assert.notEqual(key.way, 'untried');
        if (key.way === 'shares') {
          const counting = key.holders.filter(({ confirmed, lost }) => confirmed && lost === undefined);
          assert.ok(counting.length >= key.needed);
        }
      },
    ),
    { numRuns: 5_000 },
  );
  assert.ok(safe > 0, 'some of it was safe');
});

test('taking any evidence away never makes it safe', () => {
  fc.assert(
    fc.property(fc.array(anyHolder, { maxLength: 4 }), anyKey, fc.nat(3), (list, key, gone) => {
      const holders = list.map(({ packs, name, ...rest }) =>
        holder(name, { ...rest, peerId: peer(name), has: (pack) => packs[pack]! }),
      );
      if (safety({ ...sound, holders, key }).safe) return;
      const fewer = holders.filter((_, index) => index !== gone);
      assert.equal(safety({ ...sound, holders: fewer, key }).safe, false);
    }),
    { numRuns: 2_000 },
  );
});
