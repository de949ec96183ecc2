import { z } from 'zod';
import {
  ASSOCIATION_POINTS_MAX,
  ASSOCIATIONS_AT_ONCE_MAX,
  DURATION_MAX_MS,
  INVITE_MAX_MS,
  INVITE_USES_MAX,
  NAME_TEXT_MAX,
  PASSPHRASE_MIN_CHARS,
  RECOVERY_CODE_MAX_CHARS,
  REPLICAS_MAX,
  SHARE_HOLDERS_MAX,
  START_AT_ONCE_MAX,
  TERMS_ITEMS_MAX,
  TICKET_BATCH_MAX,
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
const newPassphrase = z
  .string()
  .min(PASSPHRASE_MIN_CHARS, `a passphrase has at least ${PASSPHRASE_MIN_CHARS} characters`);
/** A file of `fleet init --recovery-out`, and its passphrase. */
const recoveryFile = z.strictObject({ file: absolutePath, passphrase: z.string().min(1) });

/** A user's name or number. */
const user = z.string().regex(/^[^\s:=/]{1,64}$/u, 'a name or number of a user');

const durationMs = z.number().int().nonnegative().max(DURATION_MAX_MS);

/** What `associate` asks for, once for each association. */
const associationWish = z.strictObject({
  /** A MACHINE, or an association's id. */
  source: machine,
  destination: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('machine'), machine }),
    z.strictObject({ kind: z.literal('in-place') }),
    z.strictObject({ kind: z.literal('to-be-named') }),
  ]),
  users: z.array(user).max(TERMS_ITEMS_MAX),
  /** Names of areas, or `all`. */
  areas: z.array(z.string().max(64)).max(100).default([]),
  paths: z.array(absolutePath).max(TERMS_ITEMS_MAX),
  mapUsers: z.array(z.strictObject({ from: user, to: user })).max(TERMS_ITEMS_MAX),
  points: z.array(machine).max(ASSOCIATION_POINTS_MAX),
  replicas: z.number().int().min(1).max(REPLICAS_MAX).optional(),
  keepMs: durationMs.optional(),
  deadlineMs: durationMs.optional(),
  shares: z
    .strictObject({
      needed: z.number().int().min(2).max(SHARE_HOLDERS_MAX),
      total: z.number().int().min(2).max(SHARE_HOLDERS_MAX),
    })
    .refine(({ needed, total }) => needed <= total, 'not more shares can be needed than there are')
    .optional(),
  recoveryCodeOut: absolutePath.optional(),
  startAtOnce: z.number().int().min(1).max(START_AT_ONCE_MAX).optional(),
});

/** Names of areas, `all` for every one; what is no area is told by the service, with those that there are. */
const areas = z.array(z.string().max(64)).max(100);

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
  areas: areas.optional(),
  /** `same`: this is the machine that was captured, reinstalled, whatever its hardware says. */
  identity: z.enum(['same', 'new']).optional(),
};

/** What the local API takes, by method. Everything is checked here before a role sees it. */
export const requests = {
  /** `goal`: what counts as complete. */
  status: z.strictObject({ goal: z.enum(['stored', 'safe', 'restored']).default('restored') }),
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
  /** One ticket for each of these: an association in place, or the machine that it is for. All of them or none. */
  fleetTickets: z.strictObject({
    associations: z.array(z.string().min(1).max(NAME_TEXT_MAX)).min(1).max(TICKET_BATCH_MAX),
    expiresMs: z.number().int().positive().max(INVITE_MAX_MS),
  }),
  fleetJoin: z.strictObject({
    token: z.string().min(1).max(1_000_000),
    /** This machine takes orders of the fleet's operators. */
    acceptOperators: z.boolean().default(false),
  }),
  /** Changes that later. */
  fleetConsent: z.strictObject({ acceptOperators: z.boolean() }),
  fleetRevoke: z.strictObject({
    machine,
    /** Where the authority's key is, if it is not on this machine: only it revokes operators. */
    recovery: recoveryFile.optional(),
  }),
  capture: z.strictObject({
    /** Empty, and no areas: what the association says. */
    paths: z.array(absolutePath).max(10_000),
    areas: areas.optional(),
    /** The folder that is the captured machine's root: PATHs are as seen inside it. */
    root: absolutePath.optional(),
    /** MACHINE, or the beginning of an association's id. */
    for: machine,
    /** Empty: chosen; absent: as the association says. */
    points: z.array(machine).max(ASSOCIATION_POINTS_MAX).optional(),
    replicas: z.number().int().min(1).max(REPLICAS_MAX).optional(),
    /** Goes on by itself; nobody waits. */
    detach: z.boolean(),
    /** How long to wait for others before it says how safe it is. */
    waitMs: z.number().int().nonnegative().optional(),
  }),
  /** What a capture would take; writes nothing. */
  plan: z.strictObject({
    /** Empty, and no areas: everything that areas take. */
    paths: z.array(absolutePath).max(10_000),
    areas: areas.optional(),
    root: absolutePath.optional(),
    /** Which rule decides about this path. */
    explain: absolutePath.optional(),
  }),
  /** Ends a capture by the beginning of its association's id. */
  cancel: z.strictObject({ id: z.string().min(4).max(64) }),
  /** To a store in a folder; it is made where there is none. */
  captureFolder: z.strictObject({
    /** Empty, and no areas: everything that areas take. */
    paths: z.array(absolutePath).max(10_000),
    areas: areas.optional(),
    root: absolutePath.optional(),
    dir: absolutePath,
    passphrase: newPassphrase.optional(),
    for: machine.optional(),
  }),
  restore: z.strictObject({
    ...restoreWish,
    recovery: recoveryFile.optional(),
    recoveryCode: z.string().min(1).max(RECOVERY_CODE_MAX_CHARS).optional(),
  }),
  /** From a store in a folder. */
  restoreFolder: z.strictObject({
    ...restoreWish,
    dir: absolutePath,
    /** Only these paths, as `store ls` shows them. */
    only: z.array(z.string().min(1)).min(1).max(10_000).optional(),
    passphrase: z.string().min(1).optional(),
    recovery: recoveryFile.optional(),
  }),
  associate: z.strictObject({ wishes: z.array(associationWish).min(1).max(ASSOCIATIONS_AT_ONCE_MAX) }),
  associations: z.strictObject({}),
  associationsDelete: z.strictObject({ id: z.string().min(8).max(64) }),
  undo: z.strictObject({ restore: z.string().min(1).max(64).optional() }),
  /** What became of a restore, item by item: events `check`, and the head of the checklist at the end. */
  checklist: z.strictObject({ restore: z.string().min(1).max(64).optional() }),
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
