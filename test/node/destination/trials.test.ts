import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, describe, it } from 'node:test';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import fc from 'fast-check';
import { systemClock } from '../../../src/common/clock.ts';
import type { PeerIdText } from '../../../src/common/ids.ts';
import { EVENT_PEERS_MAX, TRIAL_AGAIN_MS } from '../../../src/common/limits.ts';
import { TIMING } from '../../../src/node/roles/destination/holders/timing.ts';
import { trialsNeeded } from '../../../src/node/roles/destination/trials/needed.ts';
import { Trials } from '../../../src/node/roles/destination/trials/trials.ts';
import { wrapStateKey } from '../../../src/state/format/index.ts';
import type { EventBody, SignedEvent } from '../../../src/state/records/index.ts';
import { identity, newIdentity } from '../../state/support/source-machine.ts';
import { eventually } from '../../support/scene.ts';
import { makeBulk, makeHome } from '../../support/trees.ts';
import type { MemoryPoint, Snapshot } from './memory-point.ts';
import { Office } from './office.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const PATIENCE = { startJitterMs: 5, jitterMs: 5, retryFirstMs: 50, retryLastMs: 100, holders: TIMING };

let office: Office;
let first: Snapshot;
let second: Snapshot;
let [nas, spare]: MemoryPoint[] = [];
let running: Trials | undefined;

before(async () => {
  office = await Office.open();
  const folder = makeBulk(makeHome(office.path('home-of-ann')), 20);
  first = await office.capture(folder, 1);
  second = await office.capture(folder, 2);
  nas = await office.point('nas');
  spare = await office.point('spare');
});
after(() => office.close());
afterEach(async () => {
  await running?.stop();
  running = undefined;
  office.told.length = 0;
  office.down.clear();
  const key = await wrapStateKey(identity.stateKey, await identityToRecipient(office.ageIdentity));
  for (const point of [nas!, spare!]) {
    Object.assign(point, { hides: [], isFull: false, asked: [], packsGiven: 0 });
    point.snapshots.clear();
    point.packs.clear();
    point.keys.set('', key);
  }
});

function start(): Trials {
  running = new Trials({
    fleet: office.fleet,
    point: undefined,
    ageIdentity: office.ageIdentity,
    clock: systemClock,
    random: (size) => randomBytes(size),
    log: silent,
    patience: PATIENCE,
  });
  running.start();
  return running;
}

const word = (): SignedEvent | undefined => office.saidBy(office.self, 'trial');
const passed = (): PeerIdText[] => [...(word()?.body.peers ?? [])].sort();
const bothPass = () => eventually('both holders pass', () => (passed().length === 2 ? word() : undefined));

/** As `status` would show it: who did not pass, and why. */
const problemsOf = (trials: Trials): string[] =>
  trials.problems().map(({ holder, reason }) => `${office.members.get(holder)!.name}: ${reason}`);

describe('a destination', () => {
  it('tries a state by itself when it was committed, and signs who passed', async () => {
    const trials = start();
    for (const point of [nas!, spare!]) point.take(first);
    office.committed(first, [nas!, spare!]);
    const { body } = await bothPass();
    assert.equal(body.phase, 'tried');
    assert.equal(body.descriptorHash, first.hash);
    assert.equal(body.snapshot, 1);
    assert.ok(nas!.packsGiven > 0 && spare!.packsGiven > 0);
    assert.deepEqual(problemsOf(trials), []);
    await eventually('every transfer has ended', () => nas!.sessions + spare!.sessions === 0 || undefined);

    for (const point of [nas!, spare!]) point.take(second);
    office.committed(second, [nas!, spare!]);
    await eventually('the next snapshot is tried as well', () => word()?.body.snapshot === 2 || undefined);
  });

  it('opens what it is given: what only looks right does not pass, and passes when it was mended', async () => {
    for (const point of [nas!, spare!]) point.take(first);
    spare!.damage();
    const trials = start();
    office.committed(first, [nas!, spare!]);
    await eventually('one of two passes', () => (passed().length === 1 ? word() : undefined));
    assert.deepEqual(passed(), [nas!.peerId]);
    assert.match(problemsOf(trials).join(), /^spare: it gave wrong bytes for pack [0-9a-f]{64}$/);
    spare!.take(first);
    await bothPass();
    await eventually('nothing is wrong any more', () => trials.problems().length === 0 || undefined);
  });

  it('names what each way to fail lacks, and signs nothing', async () => {
    const cases: [RegExp, () => void | Promise<void>][] = [
      [/nas cannot be reached/, () => void office.down.add(nas!.peerId)],
      [/serves 8 of at most 8 clients/, () => Object.assign(nas!, { isFull: true })],
      [/snapshot 1 is not here/, () => nas!.snapshots.clear()],
      [/not the snapshot that its source says it committed/, () => void nas!.snapshots.set(1, second.descriptor)],
      [/it has no key file for this machine/, () => void nas!.keys.delete('')],
      [
        /does not open with this identity/,
        async () => {
          const stranger = await identityToRecipient(await generateX25519Identity());
          nas!.keys.set('', await wrapStateKey(identity.stateKey, stranger));
        },
      ],
      [
        /the key file does not hold the key of this state/,
        async () => {
          const own = await identityToRecipient(office.ageIdentity);
          nas!.keys.set('', await wrapStateKey((await newIdentity()).stateKey, own));
        },
      ],
      [/it has none of the packs/, () => nas!.packs.clear()],
    ];
    const key = nas!.keys.get('')!;
    for (const [reason, harm] of cases) {
      office.told.length = 0;
      office.down.clear();
      nas!.isFull = false;
      nas!.keys.set('', key);
      nas!.take(first);
      await harm();
      office.committed(first, [nas!]);
      const trials = start();
      await eventually(`it says ${reason}`, () => problemsOf(trials).some((one) => reason.test(one)) || undefined);
      assert.equal(word(), undefined);
      await trials.stop();
    }
  });

  it('does not try beside a restore, and does it afterwards', async () => {
    for (const point of [nas!, spare!]) point.take(first);
    const trials = start();
    const resume = [trials.pause(), trials.pause()];
    office.committed(first, [nas!, spare!]);
    await new Promise((done) => setTimeout(done, 800));
    resume[0]!();
    resume[0]!();
    await new Promise((done) => setTimeout(done, 100));
    assert.deepEqual(nas!.asked, [], 'nobody was asked anything');
    resume[1]!();
    await bothPass();
  });

  it('ends a trial that runs when a restore begins, and makes it again', async () => {
    for (const point of [nas!, spare!]) point.take(first);
    const trials = start();
    const load = nas!.onPointRequest.bind(nas);
    let resume: (() => void) | undefined;
    nas!.onPointRequest = async (request, peer) => {
      if (request.snapshot) resume ??= trials.pause();
      return load(request, peer);
    };
    office.committed(first, [nas!, spare!]);
    await eventually('it was under way', () => resume);
    await new Promise((done) => setTimeout(done, 200));
    assert.equal(word(), undefined);
    resume!();
    await bothPass();
    nas!.onPointRequest = load;
  });

  it('whose word cannot be signed keeps trying', async () => {
    nas!.take(first);
    office.isMute = true;
    start();
    office.committed(first, [nas!]);
    await eventually('it was tried', () => nas!.packsGiven > 0 || undefined);
    office.isMute = false;
    await eventually('it is signed', () => word());
  });
});

describe('a trial is owed', () => {
  const holder = (number: number): PeerIdText => `holder-${number}` as PeerIdText;
  const commit = (time: number, changes: Partial<EventBody> = {}): void => {
    const about = { snapshot: 1, descriptorHash: first.hash };
    office.say(identity.source, { step: 'commit', phase: 'stored', ...about, ...changes }, time);
  };
  const holds = (number: number, changes: Partial<EventBody> = {}): void => {
    const about = { snapshot: 1, descriptorHash: first.hash };
    office.say(holder(number), { step: 'holder', phase: 'held', ...about, ...changes });
  };
  const tried = (time: number, ...numbers: number[]): void => {
    const about = { snapshot: 1, descriptorHash: first.hash };
    office.say(office.self, { step: 'trial', phase: 'tried', ...about, peers: numbers.map(holder) }, time);
  };
  const owed = (now = 0): number[][] =>
    trialsNeeded(office.association, office.told, office.self, now).map(({ holders }) =>
      holders.map((name) => Number(name.split('-')[1])),
    );

  it('for each state that is held as its source committed it', () => {
    assert.deepEqual(owed(), []);
    commit(10);
    assert.deepEqual(owed(), [], 'nobody says that he holds it');
    holds(1);
    holds(2, { phase: 'damaged' });
    holds(3, { descriptorHash: second.hash });
    holds(4, { phase: 'deleted' });
    assert.deepEqual(owed(), [[1]]);
  });

  it('again when a holder came, and not when one went', () => {
    commit(10);
    holds(1);
    tried(20, 1, 2);
    assert.deepEqual(owed(), []);
    holds(3);
    assert.deepEqual(owed(), [[1, 3]]);
  });

  it('again when the source still misses it much later, and not for its word "safe"', () => {
    commit(10);
    holds(1);
    tried(20, 1);
    commit(30);
    assert.deepEqual(owed(20 + TRIAL_AGAIN_MS), []);
    assert.deepEqual(owed(21 + TRIAL_AGAIN_MS), [[1]]);
    commit(40, { phase: 'safe' });
    assert.deepEqual(owed(21 + TRIAL_AGAIN_MS), []);
  });

  it('by nobody else, and not in place', () => {
    commit(10);
    holds(1);
    assert.equal(trialsNeeded(office.association, office.told, holder(7), 0).length, 0);
    const inPlace = { ...office.association, body: { ...office.association.body, mode: 'in-place' as const } };
    assert.equal(trialsNeeded(inPlace, office.told, office.self, 0).length, 0);
  });

  it('no more when it was made, whatever was said before', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: EVENT_PEERS_MAX + 4 })),
        fc.array(fc.nat({ max: EVENT_PEERS_MAX + 4 })),
        fc.nat(),
        fc.nat(),
        fc.boolean(),
        (holders, before, committedAt, triedAt, isSafe) => {
          office.told.length = 0;
          commit(committedAt, isSafe ? { phase: 'safe' } : {});
          for (const number of holders) holds(number);
          if (before.length > 0) tried(triedAt, ...before);
          const [task] = owed(triedAt + 5);
          if (!task) return;
          assert.ok(task.length <= EVENT_PEERS_MAX);
          tried(triedAt + 5, ...task);
          assert.deepEqual(owed(triedAt + 5), [], 'else one trial would call for the next');
        },
      ),
    );
  });
});
