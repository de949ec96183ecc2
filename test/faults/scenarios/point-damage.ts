/** What a disk does to the store of a point, beside a second copy and without one. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PackId, StateId } from '../../../src/common/ids.ts';
import {
  type Capture,
  eventually,
  NEVER,
  Office,
  type OfficePoint,
  somePacks,
} from '../../node/point/support/office.ts';
import type { Random, Run, Scenario } from '../scenario.ts';
import { flipBit } from '../support/flip.ts';

const BUFFER_BYTES = 16 * 1024 * 1024;
const HURTS = 4;

/** One thing that goes wrong with a file: what it is called, and how. */
type Hurt = (path: string, random: Random) => string;

const HURT: Readonly<Record<string, Hurt>> = {
  flipped: flipBit,
  'cut short': (path) => {
    truncateSync(path, 7);
    return path;
  },
  lost: (path) => {
    rmSync(path);
    return path;
  },
  'a folder': (path) => {
    rmSync(path);
    mkdirSync(path);
    return path;
  },
};

/** Packs, descriptors, and what are only hints, each hurt in some way; with the point stopped, as a disk does it at rest. */
function hurtSomething(point: OfficePoint, capture: Capture, random: Random): string {
  const dir = join(point.dir, 'states', capture.state);
  const files = [
    ...capture.packs.map(({ id }) => point.packPath(capture.state, id)),
    join(dir, 'snapshots', '1'),
    join(dir, 'state.json'),
    join(point.dir, 'point.json'),
  ].filter((path) => existsSync(path));
  const how = random.pick(Object.keys(HURT));
  const path = random.pick(files);
  try {
    return `${how}: ${HURT[how]!(path, random)}`;
  } catch (error) {
    // A folder that an earlier hurt has put there.
    assert.equal(
      (error as NodeJS.ErrnoException).code === 'EISDIR' || (error as Error).name === 'SystemError',
      true,
      String(error),
    );
    return `hurt before: ${path}`;
  }
}

async function isGiven(office: Office, point: OfficePoint, state: StateId, id: PackId): Promise<boolean> {
  const source = await office.as(office.destination.peerId, point).openSource(state, NEVER);
  try {
    // Throws where what comes is not what the name says, or has another length.
    const into = new Uint8Array(BUFFER_BYTES);
    await source.get(id, office.packs.get(id)!, into, NEVER);
    return true;
  } catch {
    return false;
  } finally {
    await source.close();
  }
}

/** Two points hold it: the one whose disk hurts it has all of it again, from the other. */
async function besideACopy({ random, note }: Run): Promise<Record<string, number>> {
  const ends: (() => Promise<void>)[] = [];
  const office = await Office.open({ after: (end) => void ends.push(end) }, 2);
  try {
    const [hurt, whole] = office.points as [OfficePoint, OfficePoint];
    await Promise.all([hurt.start(), whole.start()]);
    const association = await office.associate();
    const capture = await office.snapshot(association, somePacks(1000, 200_000, 3000, 40_000));
    await office.capture(hurt, capture, { silent: true });
    await office.capture(whole, capture, { peers: [hurt.peer, whole.peer] });
    await hurt.stop();
    for (let count = 0; count < HURTS; count += 1) note(hurtSomething(hurt, capture, random));
    await hurt.start({ timing: { scrubEveryMs: 40 } });
    await eventually('all of it is there again', async () => {
      if (!hurt.held(capture.state)?.snapshots.includes(1)) {
        // Its descriptor was hurt: as copies do, the other one brings it again.
        await office.capture(hurt, capture, { silent: true }).catch(() => {});
        return undefined;
      }
      for (const { id } of capture.packs) if (!(await isGiven(office, hurt, capture.state, id))) return undefined;
      return true;
    });
    return { 'files hurt beside a copy': HURTS };
  } finally {
    for (const end of ends) await end();
  }
}

/** The only copy: nothing wrong is given, the receipt says that it is damaged, and the source brings it again. */
async function withoutACopy({ random, note }: Run): Promise<Record<string, number>> {
  const ends: (() => Promise<void>)[] = [];
  const office = await Office.open({ after: (end) => void ends.push(end) }, 1);
  try {
    const point = office.points[0]!;
    await point.start();
    const association = await office.associate();
    const capture = await office.snapshot(association, somePacks(1000, 200_000, 3000));
    await office.capture(point, capture);
    const { state, packs } = capture;
    await point.stop();
    const victim = random.pick(packs);
    const how = random.pick(Object.keys(HURT));
    note(`${how}: ${HURT[how]!(point.packPath(state, victim.id), random)}`);
    await point.start({ timing: { scrubEveryMs: 40 } });
    await eventually(
      'its receipt says that it is damaged',
      () => point.receipt(association, state)?.phase === 'damaged',
    );
    assert.equal(await isGiven(office, point, state, victim.id), false, 'nothing of it is given');
    assert.deepEqual(
      await office.asSource(point).missing(
        state,
        packs.map(({ id }) => id),
        NEVER,
      ),
      [victim.id],
    );
    await office.capture(point, await office.snapshot(association, packs, { state, snapshot: 2 }));
    assert.ok(await isGiven(office, point, state, victim.id));
    assert.equal(point.receipt(association, state)?.phase, 'held');
    writeFileSync(join(point.dir, 'point.json'), random.bytes(50));
    await point.restart();
    assert.deepEqual(point.held(state)!.snapshots, [1, 2]);
    return { 'packs hurt without a copy': 1 };
  } finally {
    for (const end of ends) await end();
  }
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'point-damage',
    about: 'Whatever a disk hurts of a point’s store comes back from the second copy',
    gateRuns: 1,
    run: besideACopy,
  },
  {
    name: 'only-copy',
    about: 'Without a second copy nothing damaged is given, and the source brings it again',
    gateRuns: 1,
    run: withoutACopy,
  },
];
