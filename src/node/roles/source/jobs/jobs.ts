import { z } from 'zod';
import { type ErrorCode, isErrorCode, messageOf, ResettleError } from '../../../../common/errors.ts';
import { type AssociationId, associationId } from '../../../../common/ids.ts';
import { AREA_NAMES, type AreaName } from '../../../../state/areas/base/names.ts';
import { fromSummedJson, toSummedJson } from '../../../../state/format/summed-json.ts';
import type { Home } from '../../../home/home.ts';
import type { Log } from '../../../log.ts';

const JobSchema = z.object({
  version: z.literal(1),
  association: z.string().regex(/^[0-9a-f]{64}$/),
  paths: z.array(z.string().min(1)).max(10_000),
  areas: z.array(z.enum(AREA_NAMES)).default([]),
  root: z.string().min(1).default('/'),
  start: z.boolean(),
  createdAtMs: z.number().int().nonnegative(),
  ended: z.object({ code: z.string(), message: z.string() }).nullable(),
});

/** A capture that goes on by itself, over restarts of the agent, until it is done or cancelled: HOME/jobs/<association>.json. */
export interface Job {
  readonly association: AssociationId;
  /** Empty, and no areas: what the association's terms say. */
  readonly paths: readonly string[];
  readonly areas: readonly AreaName[];
  readonly root: string;
  /** An operator's association started it, not a person at this machine: it takes its turn in its batch. */
  readonly start: boolean;
  readonly createdAtMs: number;
  /** Why it does not go on any more; null while it does. */
  readonly ended: { readonly code: ErrorCode; readonly message: string } | null;
}

const FOLDER = 'jobs';
const fileOf = (id: AssociationId): string => `${id}.json`;

export function writeJob(home: Home, job: Job): void {
  home.write(`${toSummedJson({ version: 1, ...job })}\n`, FOLDER, fileOf(job.association));
}

export function removeJob(home: Home, id: AssociationId): void {
  home.remove(FOLDER, fileOf(id));
}

export function readJob(home: Home, id: AssociationId): Job | undefined {
  const bytes = home.read(FOLDER, fileOf(id));
  return bytes && parse(bytes, home.path(FOLDER, fileOf(id)));
}

/** All jobs; one whose file is damaged is left out, and told to the log. */
export function readJobs(home: Home, log: Log): Job[] {
  const jobs: Job[] = [];
  for (const name of home.list(FOLDER)) {
    if (!/^[0-9a-f]{64}\.json$/.test(name)) continue;
    try {
      const job = readJob(home, associationId(name.slice(0, 64)));
      if (job) jobs.push(job);
    } catch (error) {
      log.warn({ err: error, job: name }, 'a capture that was to go on cannot: its file is damaged');
    }
  }
  return jobs;
}

/** What will not mend by itself, or would be another capture than was asked for. */
const LASTING: ReadonlySet<ErrorCode> = new Set([
  'usage',
  'ambiguous',
  'not-found',
  'nothing-left',
  'not-built',
  'refused',
  'damaged',
  'unconfirmed',
]);

/** Whether a capture that ended with this error may do better later without anybody's help. */
export function mayMend(error: unknown): boolean {
  return !(error instanceof ResettleError && LASTING.has(error.code));
}

/** The job as it stands after an error that will not mend. */
export function endedBy(job: Job, error: unknown): Job {
  const code = error instanceof ResettleError ? error.code : 'failed';
  return { ...job, ended: { code, message: messageOf(error) } };
}

function parse(bytes: Buffer, path: string): Job {
  try {
    const json = JobSchema.parse(fromSummedJson(bytes.toString('utf8')));
    const { ended } = json;
    return {
      association: associationId(json.association),
      paths: json.paths,
      areas: json.areas,
      root: json.root,
      start: json.start,
      createdAtMs: json.createdAtMs,
      ended: ended && { code: isErrorCode(ended.code) ? ended.code : 'failed', message: ended.message },
    };
  } catch (cause) {
    throw new ResettleError('damaged', `${path} is damaged`, { hint: 'remove it and give the command again', cause });
  }
}
