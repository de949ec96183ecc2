import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import fc from 'fast-check';
import { ResettleError } from '../../src/common/errors.ts';
import { SEGMENT_DATA_BYTES } from '../../src/common/limits.ts';
import type { LineFrame } from '../../src/state/capture/frame-line.ts';
import { KIND } from '../../src/state/format/frame-cipher.ts';
import { Identities } from '../../src/state/plan/identities.ts';
import { THIS_MACHINE } from '../../src/state/plan/source-tree.ts';
import { AnswerFiles } from '../../src/state/send/answer-files.ts';
import { planSend } from '../../src/state/send/index.ts';
import { OpenedPlan } from '../../src/state/send/opened-plan.ts';
import { PlanFolder } from '../../src/state/send/plan-folder.ts';
import { askFor, bytesOf, readFrames } from './support/direct-answers.ts';
import { about, identity, on, temporaryFolder } from './support/source-machine.ts';

const MIB = SEGMENT_DATA_BYTES;

/** A plan of a folder, and answers that are made in this thread, so that a test can do things between two frames. */
async function answering(t: TestContext, make: (home: string) => void) {
  const folder = temporaryFolder(t);
  const [home, planDir, scratchDir] = ['home', 'plan', 'scratch'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(home);
  mkdirSync(scratchDir);
  make(home);
  const options = { paths: [Buffer.from(home)], exclude: [], planDir, scratchDir, ...about(identity) };
  await (await planSend(options, on())).close();
  const plan = await OpenedPlan.open(new PlanFolder(planDir), identity.stateId, identity.stateKey);
  const all = askFor(
    'content',
    plan.entries,
    Array.from({ length: plan.entries }, (_, entry) => entry),
  );
  const frames = (throwIfEnded = () => {}) =>
    new AnswerFiles(all, {
      plan,
      tree: THIS_MACHINE,
      excluded: new Identities([]),
      scratchDir,
      throwIfEnded,
      onRead() {},
    }).frames();
  return { home, frames };
}

/** The frames, each kept; `between` is called behind each segment with its number, from 0. */
function kept(frames: Iterable<LineFrame>, between: (segment: number) => void): LineFrame[] {
  const all: LineFrame[] = [];
  let segment = 0;
  for (const { kind, plain } of frames) {
    all.push({ kind, plain: Uint8Array.from(plain) });
    if (kind === KIND.content) between(segment++);
  }
  return all;
}

function overwrite(path: string, at: number, bytes: Uint8Array): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, bytes, 0, bytes.length, at);
  closeSync(fd);
}

test('a large file that changes while it is read is read again, and its record is of what came last', async (t) => {
  let path = '';
  const { frames } = await answering(t, (home) => {
    path = join(home, 'large');
    writeFileSync(path, randomBytes(4 * MIB + 100));
  });
  const answer = kept(frames(), (segment) => segment === 1 && overwrite(path, 10, Buffer.from('changed')));
  const [file] = [...readFrames(answer).values()];
  assert.ok(bytesOf(file!).equals(readFileSync(path)));
  assert.equal(file!.file!.changed, false);
  assert.equal(file!.sent.filter(({ offset }) => offset === 0).length, 2);
});

test('whatever happens to a large file while it is read, its record tells of the bytes that came last', async (t) => {
  let path = '';
  const { frames } = await answering(t, (home) => {
    path = join(home, 'large');
    writeFileSync(path, '');
    writeFileSync(join(home, 'neighbour'), 'n');
  });
  const act = fc.record({
    segment: fc.nat({ max: 12 }),
    truncate: fc.boolean(),
    at: fc.nat({ max: 5 * MIB }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 6 }), async (acts) => {
      writeFileSync(path, randomBytes(3 * MIB + 500));
      const answer = kept(frames(), (segment) => {
        for (const { at, truncate } of acts.filter((one) => one.segment === segment)) {
          if (truncate) truncateSync(path, at);
          else overwrite(path, at, randomBytes(50));
        }
      });
      // What a receiver holds in the end is what the record says, piece by piece, or it is said that it changed.
      const files = [...readFrames(answer).values()];
      const large = files[0]!;
      assert.equal(files.length, 2);
      if (!large.file!.changed) assert.ok(bytesOf(large).length === large.file!.sizeBytes);
    }),
    { numRuns: 40 },
  );
});

test('a file that changes all the time is read again only so often, and is said to have changed', async (t) => {
  let path = '';
  const { frames } = await answering(t, (home) => {
    path = join(home, 'busy');
    writeFileSync(path, randomBytes(12 * MIB));
  });
  let segments = 0;
  const answer = kept(frames(), (segment) => {
    segments = segment + 1;
    for (let block = 0; block < 12; block++) overwrite(path, block * MIB, randomBytes(8));
  });
  const [file] = [...readFrames(answer).values()];
  assert.equal(file!.file!.changed, true);
  assert.ok(segments <= 12 + 17, `${segments} segments`);
});

test('a file that loses its name while it is read stays what was opened, and one cut before comes as it is now', async (t) => {
  const { home, frames } = await answering(t, (folder) => {
    for (const name of ['a', 'b']) writeFileSync(join(folder, name), randomBytes(2 * MIB + 3));
  });
  const before = readFileSync(join(home, 'a'));
  const answer = kept(frames(), (segment) => {
    if (segment > 0) return;
    rmSync(join(home, 'a'));
    truncateSync(join(home, 'b'), 10);
  });
  const files = [...readFrames(answer).values()];
  assert.ok(bytesOf(files[0]!).equals(before));
  assert.ok(bytesOf(files[1]!).equals(readFileSync(join(home, 'b'))));
});

test('an answer that nobody wants ends before the next file, and between the pieces of a large one', async (t) => {
  const { frames } = await answering(t, (home) => {
    for (let file = 0; file < 50; file++) writeFileSync(join(home, `file-${file}`), randomBytes(100));
    writeFileSync(join(home, 'large'), randomBytes(8 * MIB));
  });
  let ended = false;
  const check = () => {
    if (ended) throw new ResettleError('interrupted', 'interrupted');
  };
  let segments = 0;
  const read = () =>
    kept(frames(check), () => {
      segments += 1;
      ended = segments === 3;
    });
  assert.throws(read, { code: 'interrupted' });
  assert.equal(segments, 3);
});

test('where another file has taken the place of one with further names, these do not become names of that one', async (t) => {
  const { home, frames } = await answering(t, (folder) => {
    for (const name of ['a', 'c']) {
      writeFileSync(join(folder, name), `old ${name}`);
      linkSync(join(folder, name), join(folder, `${name}-too`));
    }
  });
  writeFileSync(join(home, 'new'), 'saved by a rename');
  renameSync(join(home, 'new'), join(home, 'a'));
  // The file itself is still the one that was planned, whatever became of its other name.
  rmSync(join(home, 'c-too'));
  const [a, c, ...others] = [...readFrames(kept(frames(), () => {})).values()];
  assert.match(a!.left!, /another file has taken its place/);
  assert.equal(bytesOf(c!).toString(), 'old c');
  assert.equal(others.length, 0);
});
