import { lstatSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { walk } from '../data/walk.ts';
import { type Cost, measure } from '../measure.ts';
import { differences } from '../verify.ts';
import type { Course, Mover, Session } from './mover.ts';
import type { Place } from './place.ts';

/** What is moved. */
export interface Data {
  readonly name: string;
  readonly folder: string;
}

/** One move, once through. */
export interface Round {
  readonly mover: string;
  readonly data: string;
  readonly run: number;
  /** From the first command's start to the last one's end, over all processes. */
  readonly cost: Cost;
  readonly course: Course;
  /** From the move's beginning at the receiving end until the first file was there, whole. */
  readonly firstFileSeconds: number;
  /** Bytes that came in at the receiving end's interface. */
  readonly wireBytes?: number;
  /** The machine's load (one minute) before: how much else it had to do. */
  readonly load: number;
  /** Undefined where nothing was compared. */
  readonly differences?: readonly string[];
}

export interface Circumstances {
  readonly work: string;
  readonly place: Place;
  readonly timeoutMs: number;
}

/** Moves once, beneath `work`, and removes everything that it made. The first run is compared with the data. */
export async function runRound(mover: Mover, data: Data, run: number, given: Circumstances): Promise<Round> {
  const { work, place, timeoutMs } = given;
  const base = mkdtempSync(join(work, 'round-'));
  const into = join(base, 'into');
  let session: Session | undefined;
  try {
    mkdirSync(join(base, 'own'));
    session = await mover.open(join(base, 'own'), place, timeoutMs);
    const [load = 0] = loadavg();
    const before = place.receivedBytes();
    const { cost, course } = await timed(session, data.folder, into);
    const after = place.receivedBytes();
    return {
      mover: mover.name,
      data: data.name,
      run,
      cost,
      course,
      firstFileSeconds: (firstFileMs(into) - course.beganMs) / 1000,
      load,
      ...(before !== undefined && after !== undefined && { wireBytes: after - before }),
      ...(run === 0 && { differences: await differences(data.folder, into) }),
    };
  } finally {
    await session?.close();
    rmSync(base, { recursive: true, force: true });
  }
}

async function timed(session: Session, data: string, into: string): Promise<{ cost: Cost; course: Course }> {
  let course: Course | undefined;
  const cost = await measure(session.names, async () => {
    course = await session.move(data, into);
  });
  return { cost, course: course! };
}

/**
 * When the first file was whole and under its name (Unix time): the earliest of the files' last changes, of their names and
 * metadata too (ctime). Read afterwards, so that nobody looks at the folder while it is filled.
 */
function firstFileMs(into: string): number {
  let first = lstatSync(into).ctimeMs;
  let files = 0;
  for (const { stat } of walk(Buffer.from(into))) {
    if (!stat.isFile()) continue;
    files += 1;
    if (files === 1 || stat.ctimeMs < first) first = stat.ctimeMs;
  }
  return first;
}
