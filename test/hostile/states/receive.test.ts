/** The same states by a direct move: a hostile sender gives them as its plan, and content that nobody asked for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResettleError } from '../../../src/common/errors.ts';
import type { DirectAsk, DirectAsker, DirectTaker } from '../../../src/common/ports.ts';
import { CborWriter } from '../../../src/state/format/cbor-writer.ts';
import type { Entry } from '../../../src/state/format/entry.ts';
import { receiveSnapshot } from '../../../src/state/receive/index.ts';
import { file, folder } from '../../state/support/forge.ts';
import { identity, on } from '../../state/support/source-machine.ts';
import { LINKS } from './cases/links.ts';
import { Forging } from './support/forging.ts';
import { Guard, type Scene } from './support/guard.ts';
import { inScene, MEMORY_MAX_BYTES, namesIn, peakBytes } from './support/run-state.ts';

/** Gives packs for a plan as they are, and for everything else what it is told to. */
class HostileSender implements DirectAsker {
  readonly #snapshot: Forging;
  readonly #answer: readonly Uint8Array[];

  constructor(snapshot: Forging, answer: readonly Uint8Array[] = []) {
    this.#snapshot = snapshot;
    this.#answer = answer;
  }

  async ask(ask: DirectAsk, taker: DirectTaker): Promise<boolean> {
    const packs = ask.what === 'plan' ? this.#plan() : this.#answer;
    for (const bytes of packs) {
      const buffer = taker.borrow();
      buffer.set(bytes);
      await taker.take(buffer, bytes.length);
    }
    return true;
  }

  #plan(): Uint8Array[] {
    return this.#snapshot.references.map(({ id }) => this.#snapshot.packs.packs.get(id)!);
  }
}

async function receive(snapshot: Forging, scene: Scene, answer?: readonly Uint8Array[]): Promise<unknown> {
  const { source, stateId, stateKey } = identity;
  const options = {
    ...{ descriptor: await snapshot.describe(), stateKey, target: scene.target, strip: false, restoreId: 'test' },
    ...{ expected: { stateId, source, association: undefined }, asker: new HostileSender(snapshot, answer) },
  };
  return await receiveSnapshot(options, on()).catch((error: unknown) => error);
}

/** Each way in which links lead out, by its first state: the others differ in what the shared checker says. */
const PLANS = LINKS.filter(({ must, options }) => 'refused' in must && must.refused === 'damaged' && !options).slice(
  0,
  12,
);

for (const { name, forge } of PLANS) {
  test(`hostile plan: ${name}`, () =>
    inScene(async (scene) => {
      const snapshot = new Forging();
      forge(snapshot, scene);
      const guard = new Guard(scene);
      const outcome = await receive(snapshot, scene);
      guard.check();
      assert.ok(outcome instanceof ResettleError && outcome.code === 'damaged', String(outcome));
      assert.deepEqual(namesIn(scene.target), []);
    }));
}

const planned = (name: string): Entry => ({ ...file(name), sizeBytes: 5, extents: [] }) as Entry;

test('hostile plan: an answer of two million empty maps, a few hundred bytes sealed', () =>
  inScene(async (scene) => {
    const bomb = new Forging();
    const maps = new CborWriter();
    maps.array(2 ** 21 - 10).raw(Buffer.alloc(2 ** 21 - 10, 0xa0));
    bomb.part(maps.view(), 0);
    const answer = bomb.packs.packs.get(bomb.references[1]!.id)!;
    const snapshot = new Forging();
    snapshot.blocks([
      { path: [], entries: [folder('r')] },
      { path: ['r'], entries: [planned('a')] },
    ]);
    const guard = new Guard(scene);
    const outcome = await receive(snapshot, scene, [answer]);
    guard.check();
    assert.ok(outcome instanceof ResettleError && outcome.code === 'damaged', String(outcome));
    assert.ok(peakBytes() < MEMORY_MAX_BYTES, `it took ${peakBytes()} bytes of memory`);
  }));
