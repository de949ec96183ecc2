import { z } from 'zod';
import {
  INVITE_MAX_MS,
  INVITE_USES_MAX,
  NAME_TEXT_MAX,
  PASSPHRASE_MIN_CHARS,
  USER_MAPPINGS_MAX,
} from '../common/limits.ts';

/** A name that people give: no control characters, nothing that would be taken for a path. */
export const nameText = z
  .string()
  .min(1)
  .max(NAME_TEXT_MAX)
  .regex(/^\S(.*\S)?$/u, 'a name does not begin or end with a blank')
  .regex(/^[^\p{Cc}\p{Cf}/\\]+$/u, 'a name has no control characters and no slashes');

const absolutePath = z.string().min(1).max(4096).startsWith('/', 'an absolute path');
const machine = z.string().min(1).max(NAME_TEXT_MAX);
const paths = z.array(absolutePath).min(1).max(10_000);
const newPassphrase = z
  .string()
  .min(PASSPHRASE_MIN_CHARS, `a passphrase has at least ${PASSPHRASE_MIN_CHARS} characters`);
/** A file of `fleet init --recovery-out`, and its passphrase. */
const recoveryFile = z.strictObject({ file: absolutePath, passphrase: z.string().min(1) });

/** A user's name or number. */
const user = z.string().regex(/^[^\s:=/]{1,64}$/u, 'a name or number of a user');

/** Which snapshot is restored, and how: the same from a point and from a folder. */
const restoreWish = {
  into: absolutePath,
  strip: z.boolean(),
  /** `into` is the root of a machine. */
  root: z.boolean(),
  onConflict: z.enum(['keep-both', 'skip', 'replace', 'newer']).optional(),
  allowPrivileged: z.boolean(),
  mapUsers: z.array(z.strictObject({ from: user, to: user })).max(USER_MAPPINGS_MAX),
  dryRun: z.boolean(),
  from: machine.optional(),
  state: z.string().max(64).optional(),
  snapshot: z.number().int().positive().optional(),
};

/** What the local API takes, by method. Everything is checked here before a role sees it. */
export const requests = {
  status: z.strictObject({}),
  peers: z.strictObject({}),
  points: z.strictObject({}),
  /** Why machines do not see each other: events `check`, one for each finding. */
  doctor: z.strictObject({ peer: machine.optional() }),
  members: z.strictObject({}),
  fleetInit: z.strictObject({
    name: nameText,
    /** Where authority and recovery keys go, under the passphrase. */
    recovery: z.strictObject({ out: absolutePath, passphrase: newPassphrase }).optional(),
  }),
  fleetInvite: z.strictObject({
    expiresMs: z.number().int().positive().max(INVITE_MAX_MS),
    uses: z.number().int().positive().max(INVITE_USES_MAX),
    role: z.enum(['member', 'operator']),
    /** Where the authority's key is, if it is not on this machine: only it invites operators. */
    recovery: recoveryFile.optional(),
  }),
  fleetJoin: z.strictObject({ token: z.string().min(1).max(1_000_000) }),
  capture: z.strictObject({
    paths,
    for: machine,
    points: z.array(machine).max(100),
  }),
  /** To a store in a folder; it is made where there is none. */
  captureFolder: z.strictObject({
    paths,
    dir: absolutePath,
    passphrase: newPassphrase.optional(),
    for: machine.optional(),
  }),
  restore: z.strictObject(restoreWish),
  /** From a store in a folder. */
  restoreFolder: z.strictObject({
    ...restoreWish,
    dir: absolutePath,
    /** Only these paths, as `store ls` shows them. */
    only: z.array(z.string().min(1)).min(1).max(10_000).optional(),
    passphrase: z.string().min(1).optional(),
    recovery: recoveryFile.optional(),
  }),
  undo: z.strictObject({ restore: z.string().min(1).max(64).optional() }),
} as const;

export type Method = keyof typeof requests;
export type RequestOf<M extends Method> = z.output<(typeof requests)[M]>;

/** One event of an answer. The last one is `done` or `error`. */
export type ApiEvent = { readonly event: string; readonly [key: string]: unknown };

/** Does what a request says, tells of it by `emit`, and returns what `done` shall carry. */
export interface Service {
  call<M extends Method>(
    method: M,
    request: RequestOf<M>,
    emit: (event: ApiEvent) => void,
    signal: AbortSignal,
  ): Promise<Record<string, unknown>>;
}

export function isMethod(text: string): text is Method {
  return Object.hasOwn(requests, text);
}
