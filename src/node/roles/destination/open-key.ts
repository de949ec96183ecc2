import { asBuffer } from '../../../common/bytes.ts';
import { messageOf, ResettleError } from '../../../common/errors.ts';
import type { AssociationId, StateId } from '../../../common/ids.ts';
import { keyCheckValue, type SnapshotHeader, unwrapStateKey } from '../../../state/format/index.ts';
import type { Association } from '../../../state/records/index.ts';
import { readRecoveryFile } from '../../membership/recovery-file.ts';
import type { Patience } from './patience.ts';
import type { KeyFileName, PointAccess } from './point-access.ts';

/** What a person gave to open a state with. */
export interface KeySecrets {
  /** A file of `fleet init --recovery-out`, and its passphrase. */
  readonly recovery?: { readonly file: string; readonly passphrase: string } | undefined;
  /** The code of `associate --recovery-code-out`. */
  readonly recoveryCode?: string | undefined;
}

/** The ticket that a reinstalled machine joined with. */
export interface TicketWay {
  /** Which association it is for; undefined: this machine has none, or it is spent. */
  association(): AssociationId | undefined;
  /** The state key from the shares that members hold, checked against `keyCheck`. Throws what is missing. */
  gatherShares(
    wish: { readonly association: Association; readonly state: StateId; readonly keyCheck: Uint8Array },
    signal: AbortSignal,
  ): Promise<Uint8Array>;
  /** Forgets it: the restore is whole. */
  spendTicket(): Promise<void>;
}

/** The ways to a state's key, in the order in which they are tried. */
export interface StateKeyWays {
  /** This machine's own `AGE-SECRET-KEY-1…`. */
  readonly ageIdentity: string;
  readonly ticket?: TicketWay | undefined;
  /** The age identity that follows from a recovery code. Throws `usage` for a mistyped one. */
  readonly identityOfCode?: ((code: string) => string) | undefined;
}

/** `machine`: wrapped to this machine. */
export type OpenedBy = 'machine' | 'ticket' | 'recovery' | 'code';

const SHOWN: Record<OpenedBy, string> = {
  machine: "this machine's key",
  ticket: 'its ticket and the shares of other members',
  recovery: "the fleet's recovery key",
  code: 'the recovery code',
};

export interface OpenedStateKey {
  readonly key: Uint8Array;
  readonly by: OpenedBy;
  /** The same for people. */
  readonly shown: string;
}

interface Subject {
  readonly header: SnapshotHeader;
  readonly association: Association;
  /** Who may give key files. */
  readonly answered: readonly PointAccess[];
}

/**
 * The key of a snapshot's state, by the first way that leads to it; every key is checked against what the source signed
 * before it is used. Where a way may lead there the next time, because somebody did not answer, all are tried again while
 * `patience` lasts. Throws `refused`, naming each way and what it lacked, `failed` where somebody still does not answer;
 * `usage` and `not-found` for what was given.
 */
export async function openStateKey(
  ways: StateKeyWays,
  secrets: KeySecrets,
  subject: Subject,
  patience: Patience,
  signal: AbortSignal,
): Promise<OpenedStateKey> {
  for (;;) {
    try {
      return await tryWays(ways, secrets, subject, signal);
    } catch (error) {
      if (!isPassing(error) || !(await patience.wait(error.message, signal))) throw error;
    }
  }
}

async function tryWays(
  ways: StateKeyWays,
  secrets: KeySecrets,
  subject: Subject,
  signal: AbortSignal,
): Promise<OpenedStateKey> {
  const lacks: string[] = [];
  let passing: ResettleError | undefined;
  const attempt = async (by: OpenedBy, way: () => Promise<Uint8Array>): Promise<OpenedStateKey | undefined> => {
    try {
      return { key: await way(), by, shown: SHOWN[by] };
    } catch (error) {
      signal.throwIfAborted();
      // A mistyped path, passphrase or code is for the person to mend.
      if (error instanceof ResettleError && ['usage', 'not-found'].includes(error.code)) throw error;
      lacks.push(`${SHOWN[by]}: ${messageOf(error)}`);
      if (isPassing(error)) passing ??= error;
      return undefined;
    }
  };
  const byFile = (name: KeyFileName, identity: () => string | Promise<string>) => async (): Promise<Uint8Array> =>
    fromKeyFile(subject, name, await identity(), signal);
  const { ticket, identityOfCode, ageIdentity } = ways;
  const { recovery, recoveryCode } = secrets;

  const own = await attempt(
    'machine',
    byFile('', () => ageIdentity),
  );
  if (own) return own;
  if (ticket?.association() === subject.association.id) {
    const { association, header } = subject;
    const wish = { association, state: header.stateId, keyCheck: header.keyCheck };
    const opened = await attempt('ticket', async () => checked(await ticket.gatherShares(wish, signal), header));
    if (opened) return opened;
  }
  if (recovery) {
    const identity = async (): Promise<string> =>
      (await readRecoveryFile(recovery.file, recovery.passphrase)).recoveryIdentity;
    const opened = await attempt('recovery', byFile('recovery', identity));
    if (opened) return opened;
  }
  if (recoveryCode !== undefined) {
    if (!identityOfCode) throw new ResettleError('not-built', 'recovery codes are not built yet');
    const opened = await attempt(
      'code',
      byFile('code', () => identityOfCode(recoveryCode)),
    );
    if (opened) return opened;
  }
  const message = `nothing that is here opens state ${subject.header.stateId}: ${lacks.join('; ')}`;
  if (passing) throw new ResettleError('failed', message, { hint: passing.hint, cause: passing });
  throw new ResettleError('refused', message, { hint: hintFor(subject.association, ways, secrets) });
}

/** Somebody did not answer, and may the next time. */
function isPassing(error: unknown): error is ResettleError {
  return error instanceof ResettleError && error.code === 'failed';
}

/** Out of the first key file that a holder gives and that holds the state's key: one may have a false one. */
async function fromKeyFile(
  { header, answered }: Subject,
  name: KeyFileName,
  identity: string,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const problems: string[] = [];
  let passing: ResettleError | undefined;
  for (const holder of answered) {
    try {
      const { key } = await holder.snapshot(header.stateId, header.snapshot, name, signal);
      if (key.length === 0) continue;
      return checked(await unwrapStateKey(key, identity), header);
    } catch (error) {
      signal.throwIfAborted();
      const message = messageOf(error);
      problems.push(message.includes(holder.name) ? message : `${holder.name}: ${message}`);
      if (isPassing(error)) passing ??= error;
    }
  }
  if (passing) throw new ResettleError('failed', problems.join(', '), { hint: passing.hint, cause: passing });
  throw new ResettleError('refused', problems.join(', ') || 'no holder has a key file for it');
}

function checked(key: Uint8Array, header: SnapshotHeader): Uint8Array {
  if (keyCheckValue(key, header.stateId).equals(asBuffer(header.keyCheck))) return key;
  throw new ResettleError('refused', 'that is not the key of this state');
}

function hintFor({ body }: Association, { ticket }: StateKeyWays, secrets: KeySecrets): string {
  const given = secrets.recovery !== undefined || secrets.recoveryCode !== undefined;
  if (given) return 'check that the recovery file or code belongs to this fleet and this association';
  const code = body.codeRecipient === null ? '' : ', or the recovery code with --recovery-code-file F';
  if (body.mode === 'in-place' && body.ticketRecipient !== null && ticket?.association() === undefined) {
    return `join with the ticket of this machine; else give the fleet's recovery file with --recovery-file F${code}`;
  }
  // Of a move in place, the old machine is gone.
  const again = body.mode === 'in-place' ? '' : '; or capture again on the old machine';
  return `give the fleet's recovery file with --recovery-file F${code}${again}`;
}
