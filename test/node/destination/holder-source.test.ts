import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { systemClock } from '../../../src/common/clock.ts';
import { type PackId, stateId } from '../../../src/common/ids.ts';
import { HolderSource } from '../../../src/node/roles/destination/holders/holder-source.ts';
import { Rate } from '../../../src/node/roles/destination/holders/rate.ts';
import type { Timing } from '../../../src/node/roles/destination/holders/timing.ts';
import type { PackReference } from '../../../src/state/format/index.ts';
import { eventually } from '../../support/scene.ts';
import { FakeHolder, type FakeOptions, type OpenFault, type PackFault, packsOf, QUICK } from './fake-holder.ts';

const STATE = stateId('5a'.repeat(32));
const never = new AbortController().signal;

/** Different bytes for each number, the same in every run. */
function content(number: number, sizeBytes: number): Uint8Array {
  const block = createHash('sha512').update(`pack ${number}`).digest();
  return Uint8Array.from({ length: sizeBytes }, (_, index) => block[index % 64]! ^ (index >> 6));
}

const { byId, list } = packsOf([3000, 1, 50_000, 9_999, 20_000, 4_096].map((size, number) => content(number, size)));

function sourceOf(holders: FakeHolder[], timing: Timing = QUICK): { source: HolderSource; notes: string[] } {
  const notes: string[] = [];
  const onNote = (note: string): void => void notes.push(note);
  return {
    source: new HolderSource({ state: STATE, packs: list, holders, clock: systemClock, onNote, timing }),
    notes,
  };
}

/** As a restore asks: in order, two at a time. */
async function fetchAll(source: HolderSource, packs: readonly PackReference[] = list): Promise<void> {
  const waiting = [...packs];
  const work = async (): Promise<void> => {
    for (let pack = waiting.shift(); pack; pack = waiting.shift()) await fetchOne(source, pack);
  };
  await Promise.all([work(), work()]);
}

async function fetchOne(source: HolderSource, { id, sizeBytes }: PackReference): Promise<void> {
  const into = new Uint8Array(sizeBytes + 10).fill(7);
  await source.get(id, sizeBytes, into.subarray(0, sizeBytes), never);
  assert.ok(Buffer.from(into.subarray(0, sizeBytes)).equals(byId.get(id)!), 'the pack is right when it is handed over');
  assert.ok(
    into.subarray(sizeBytes).every((byte) => byte === 7),
    'and nothing beyond it was written',
  );
}

const holder = (name: string, options: Partial<FakeOptions> = {}) => new FakeHolder(name, { packs: byId, ...options });
const half = (odd: boolean): Map<PackId, Uint8Array> =>
  new Map([...byId].filter((_, index) => (index % 2 === 1) === odd));

describe('a source of packs from several holders', () => {
  it('reads from several at once', async () => {
    const holders = ['a', 'b', 'c'].map((name) => holder(name));
    const { source } = sourceOf(holders);
    await fetchAll(source);
    assert.ok(holders.filter(({ gave }) => gave.length > 0).length >= 2);
    const bytes = source.given().reduce((sum, one) => sum + one.bytes, 0);
    assert.equal(
      bytes,
      list.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      'no byte came twice',
    );
    await source.close();
    assert.ok(holders.every(({ openNow }) => openNow === 0));
  });

  it('puts together a state that is spread over holders of which none has everything', async () => {
    const holders = [holder('odd', { packs: half(true) }), holder('even', { packs: half(false) })];
    const { source, notes } = sourceOf(holders);
    await fetchAll(source);
    assert.deepEqual(notes, []);
    assert.deepEqual(
      holders.map(({ gave }) => gave.length),
      [3, 3],
    );
  });

  it('asks a holder that gave wrong bytes no more, tells it, and says so', async () => {
    const liar = holder('liar', { lies: true });
    const { source, notes } = sourceOf([liar, holder('honest')]);
    await fetchAll(source);
    assert.ok(liar.toldBad.length >= 1 && liar.toldBad.length <= 2, 'only what was under way at once');
    assert.equal(liar.opens, 1);
    assert.equal(
      notes.filter((note) => /liar gave wrong bytes for pack .*not asked again/.test(note)).length >= 1,
      true,
    );
  });

  it('goes on within a pack where the connection broke', async () => {
    const flaky = holder('flaky', { packFaults: ['cut', 'cut', 'cut'] });
    const { source } = sourceOf([flaky]);
    await fetchOne(source, list[2]!);
    assert.deepEqual(flaky.froms, [0, 25_000, 37_500, 43_750]);
    assert.equal(source.given()[0]!.bytes, 50_000);
  });

  it('finds out whose part was wrong where two gave one pack', async () => {
    const liar = holder('liar', { packFaults: ['wrong-cut'], openFaults: [] });
    const honest = holder('honest', { openFaults: [] });
    const { source, notes } = sourceOf([liar, honest]);
    liar.open = once(liar);
    await fetchOne(source, list[2]!);
    assert.ok(
      notes.some((note) => /liar gave wrong bytes/.test(note)),
      notes.join(),
    );
    assert.ok(!notes.some((note) => /honest gave wrong/.test(note)), notes.join());
    assert.deepEqual(honest.froms, [25_000, 0], 'the second time all of it');
  });

  it('leaves a holder that stalls, and one that is gone it does not wait for as long', async () => {
    const stalls = holder('stalls', { packFaults: Array<PackFault>(100).fill('stall') });
    const { source, notes } = sourceOf([stalls, holder('good')]);
    await fetchAll(source);
    assert.ok(notes.some((note) => /stalls was lost: it gave nothing for 0.04 s; going on with good/.test(note)));

    const mute = holder('mute', { packFaults: ['stall'], isMute: true });
    const { source: other } = sourceOf([mute], { ...QUICK, stallMs: 60_000, probeAfterMs: 10 });
    await fetchAll(other);
    assert.equal(mute.unreachableAborts, 1, 'its connection is not used again');
  });

  it('waits for the only holder, which comes back, and says both', async () => {
    const nas = holder('nas');
    const { source, notes } = sourceOf([nas]);
    await fetchOne(source, list[0]!);
    nas.isDown = true;
    const rest = fetchAll(source, list.slice(1));
    setTimeout(() => {
      nas.isDown = false;
    }, 300);
    await rest;
    assert.ok(
      notes.some((note) => /nas was lost: .*waiting up to 3 s for it/.test(note)),
      notes.join(),
    );
    assert.ok(notes.includes('nas is back'));
  });

  it('does not wait for one that takes its time to open, as a machine that is off does', async () => {
    let open = (): void => {};
    const openGate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const off = holder('off', { openGate, openFaults: Array<OpenFault>(10).fill('unreachable') });
    const { source, notes } = sourceOf([off, holder('good')]);
    // It ends, although the first one has not answered yet.
    await fetchAll(source);
    open();
    await eventually(
      'it is told',
      () => notes.some((note) => /off gives nothing now: off cannot be reached/.test(note)) || undefined,
    );
  });

  it('ends when nobody comes back, and says that the restore goes on later', async () => {
    const nas = holder('nas');
    const { source } = sourceOf([nas], { ...QUICK, reconnectMs: 100 });
    await fetchOne(source, list[0]!);
    nas.isDown = true;
    await assert.rejects(fetchOne(source, list[1]!), {
      code: 'failed',
      message: /nas cannot be reached/,
      hint: /goes on/,
    });
  });

  it('tells a pack that nobody has from holders that all refuse', async () => {
    const poor = sourceOf([holder('poor', { packs: half(true) }), holder('liar', { lies: true })]);
    await assert.rejects(fetchOne(poor.source, list[0]!), {
      code: 'damaged',
      message: /poor: .*; liar gave wrong bytes/,
    });
    const closed = sourceOf([holder('a', { openFaults: ['refused'] }), holder('b', { openFaults: ['refused'] })]);
    await assert.rejects(fetchOne(closed.source, list[0]!), { code: 'refused', message: /a refuses; b refuses/ });
  });

  it('ends at once when it is aborted, and leaves nothing open', async () => {
    const stalls = holder('stalls', { packFaults: ['stall'] });
    const { source } = sourceOf([stalls], { ...QUICK, stallMs: 60_000 });
    const abort = new AbortController();
    const got = source.get(list[0]!.id, list[0]!.sizeBytes, new Uint8Array(list[0]!.sizeBytes), abort.signal);
    setTimeout(() => abort.abort(new Error('enough')), 20);
    await assert.rejects(got, /enough/);
    assert.equal(stalls.openNow, 0);
  });

  it('brings every pack as it should be, whatever goes wrong, as long as each stays with one honest holder', async () => {
    const passing = fc.option(fc.constantFrom<PackFault>('cut', 'stall'), { nil: undefined, freq: 2 });
    const any = fc.option(fc.constantFrom<PackFault>('cut', 'stall', 'wrong', 'wrong-cut', 'lacks', 'short'), {
      nil: undefined,
    });
    const opens = (faults: OpenFault[]) =>
      fc.array(fc.option(fc.constantFrom(...faults), { nil: undefined }), { maxLength: 4 });
    const honest = fc.record({
      packFaults: fc.array(passing, { maxLength: 6 }),
      openFaults: opens(['unreachable', 'full']),
      chunkBytes: fc.integer({ min: 500, max: 60_000 }),
    });
    const dishonest = fc.record({
      packFaults: fc.array(any, { maxLength: 12 }),
      openFaults: opens(['unreachable', 'full', 'refused']),
      lies: fc.boolean(),
      boasts: fc.boolean(),
      chunkBytes: fc.integer({ min: 500, max: 60_000 }),
      kept: fc.array(fc.boolean(), { minLength: list.length, maxLength: list.length }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(honest, { minLength: 1, maxLength: 3 }),
        fc.array(dishonest, { maxLength: 3 }),
        fc.array(fc.nat(), { minLength: list.length, maxLength: list.length }),
        fc.boolean(),
        async (good, bad, owners, badFirst) => {
          const honestOnes = good.map((options, number) => {
            const packs = new Map([...byId].filter((_, index) => owners[index]! % good.length === number));
            return new FakeHolder(`honest-${number}`, { ...options, packs });
          });
          const others = bad.map(({ kept, ...options }, number) => {
            const packs = new Map([...byId].filter((_, index) => kept[index]));
            return new FakeHolder(`bad-${number}`, { ...options, packs });
          });
          const all = badFirst ? [...others, ...honestOnes] : [...honestOnes, ...others];
          const { source, notes } = sourceOf(all);
          await fetchAll(source);
          await source.close();
          await eventually('every transfer has ended', () => all.every(({ openNow }) => openNow === 0) || undefined);
          assert.ok(!notes.some((note) => /honest-\d gave wrong/.test(note)), notes.join('\n'));
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('the speed of a holder', () => {
  it('counts only while something is awaited of it, and is forgotten after a while', () => {
    let now = 0;
    const rate = new Rate({ now: () => now, monotonicMs: () => now });
    rate.begin();
    now += 10;
    rate.add(1000);
    rate.end();
    assert.equal(rate.bytesPerMs, undefined, 'a small pack says nothing');
    now += 5_000;
    rate.begin();
    rate.begin();
    now += 90;
    rate.add(999_000 + 48_576);
    rate.end();
    rate.end();
    assert.equal(rate.bytesPerMs, (1000 + 999_000 + 48_576) / 100);
    now += 60_000;
    assert.equal(rate.bytesPerMs, undefined);
  });
});

/** Opens well once, and is not reached afterwards. */
function once(fake: FakeHolder): FakeHolder['open'] {
  const open = fake.open.bind(fake);
  let count = 0;
  return () => {
    count += 1;
    if (count > 1) fake.isDown = true;
    return open();
  };
}
