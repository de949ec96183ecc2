import { hexOf } from '../../common/bytes.ts';
import type { RandomBytes } from '../../common/clock.ts';
import { hintOf, messageOf, ResettleError } from '../../common/errors.ts';
import type { AssociationId, PeerIdText } from '../../common/ids.ts';
import {
  type AssociationBody,
  associationIdOf,
  type BodyOrMaker,
  type Member,
  plainAssociation,
  type Roster,
  type StoredRecord,
} from '../../state/records/index.ts';
import { nameOf } from '../membership/machines.ts';
import {
  type AssociationWish,
  byId,
  hasTerms,
  type Intent,
  intentOf,
  mayOrder,
  shortId,
  type TermsWish,
} from './wish.ts';

/** What signing an association needs. */
export interface AssociateOptions {
  readonly self: PeerIdText;
  readonly random: RandomBytes;
  roster(): Roster;
  append(body: BodyOrMaker): Promise<StoredRecord>;
  readonly keys: AssociationKeys;
}

/** Keys that an association carries, made by the rooms that know how. */
export interface AssociationKeys {
  /** A ticket key, its private half sealed to these age recipients. */
  newTicket(operators: readonly string[]): Promise<{ recipient: string; sealed: Uint8Array }>;
  /** Writes a new recovery code to a file, for its owner only; returns the recipient. Throws where the file exists. */
  writeRecoveryCode(path: string): Promise<string>;
  /** Seals terms to these age recipients. */
  sealTerms(terms: TermsWish, recipients: readonly string[]): Promise<Uint8Array>;
}

export interface Associated {
  readonly association: AssociationId;
  readonly source: PeerIdText;
  readonly sourceName: string;
  readonly destination: PeerIdText | null;
  readonly destinationName: string | null;
  readonly mode: AssociationBody['mode'];
  /** It was there already, as it was asked for. */
  readonly unchanged: boolean;
}

/**
 * Does what several wishes ask for: all of them are checked before anything is signed. Throws what `intentOf` throws; of
 * several wishes it names each that is wrong.
 */
export async function associate(wishes: readonly AssociationWish[], options: AssociateOptions): Promise<Associated[]> {
  const roster = options.roster();
  const intents = checkAll(wishes, roster, options.self);
  const batch = hexOf(options.random(16));
  const done: Associated[] = [];
  for (const [index, intent] of intents.entries()) {
    done.push(await carryOut(wishes[index]!, intent, batch, options));
  }
  return done;
}

/** Ends an association by the beginning of its id. What holders have stays, and no key is deleted. */
export async function endAssociation(text: string, options: Omit<AssociateOptions, 'keys'>): Promise<AssociationId> {
  const roster = options.roster();
  const association = byId(text, roster);
  if (!association) {
    throw new ResettleError('not-found', `no association of this fleet begins with ${JSON.stringify(text)}`, {
      hint: '"resettle associations" lists them; give at least 8 digits of the id',
    });
  }
  const source = roster.members.get(association.body.source);
  if (source) mayOrder(source, roster, options.self);
  if (!association.ended) await options.append({ type: 'ending', association: association.id });
  return association.id;
}

function checkAll(wishes: readonly AssociationWish[], roster: Roster, self: PeerIdText): Intent[] {
  const intents: Intent[] = [];
  const wrong: { error: ResettleError; index: number }[] = [];
  for (const [index, wish] of wishes.entries()) {
    try {
      intents.push(intentOf(wish, roster, self));
    } catch (error) {
      if (!(error instanceof ResettleError)) throw error;
      wrong.push({ error, index });
    }
  }
  if (wrong.length === 0) return checkTwice(wishes, intents);
  if (wishes.length === 1) throw wrong[0]!.error;
  const list = wrong.map(({ error, index }) => `number ${index + 1}: ${messageOf(error)}`).join('; ');
  throw new ResettleError(
    wrong[0]!.error.code,
    `${wrong.length} of ${wishes.length} associations are wrong, none was made: ${list}`,
    {
      hint: hintOf(wrong[0]!.error),
    },
  );
}

/** Two lines of a list that say where the same machine's state goes would be made twice. */
function checkTwice(wishes: readonly AssociationWish[], intents: readonly Intent[]): Intent[] {
  const seen = new Map<string, number>();
  for (const [index, intent] of intents.entries()) {
    if (intent.do === 'nothing') continue;
    const source = intent.do === 'make' ? intent.source.peerId : intent.association.body.source;
    const kind = wishes[index]!.destination.kind;
    const key = `${source}/${intent.destination?.peerId ?? kind}`;
    const before = seen.get(key);
    if (before !== undefined) {
      throw new ResettleError('usage', `number ${before + 1} and number ${index + 1} are the same, none was made`, {
        hint: 'leave one of them out',
      });
    }
    seen.set(key, index);
  }
  return [...intents];
}

async function carryOut(
  wish: AssociationWish,
  intent: Intent,
  batch: string,
  options: AssociateOptions,
): Promise<Associated> {
  if (intent.do === 'nothing') return shown(intent.association.id, true, options.roster());
  if (intent.do === 'name') {
    await options.append({
      type: 'naming',
      association: intent.association.id,
      destination: intent.destination.peerId,
    });
    return shown(intent.association.id, false, options.roster());
  }
  const record = await options.append(await bodyOf(wish, intent, batch, options));
  return shown(associationIdOf(record.hash), false, options.roster());
}

async function bodyOf(
  wish: AssociationWish,
  { source, destination, points }: Extract<Intent, { do: 'make' }>,
  batch: string,
  { random, roster, keys }: AssociateOptions,
): Promise<AssociationBody> {
  const inPlace = wish.destination.kind === 'in-place';
  const plain = plainAssociation({
    source: source.peerId,
    destination: destination?.peerId ?? null,
    mode: inPlace ? 'in-place' : 'side-by-side',
    nonce: hexOf(random(16)),
  });
  const operators = operatorsOf(roster());
  const ticket = inPlace ? await keys.newTicket(operators.map(({ ageRecipient }) => ageRecipient)) : undefined;
  const code = wish.recoveryCodeOut === undefined ? null : await keys.writeRecoveryCode(wish.recoveryCodeOut);
  const readers = [source, ...(destination ? [destination] : []), ...operators];
  const recipients = [...new Set(readers.map(({ ageRecipient }) => ageRecipient))];
  return {
    ...plain,
    points,
    replicas: wish.replicas ?? plain.replicas,
    keepMs: wish.keepMs ?? plain.keepMs,
    deadlineMs: wish.deadlineMs ?? plain.deadlineMs,
    ticketRecipient: ticket?.recipient ?? null,
    ticketSealed: ticket?.sealed ?? null,
    shares: inPlace ? (wish.shares ?? null) : null,
    codeRecipient: code,
    start: wish.startAtOnce === undefined ? null : { batch, atOnce: wish.startAtOnce },
    sealed: hasTerms(wish) ? await keys.sealTerms(wish, recipients) : null,
  };
}

/** Whose keys open what is sealed for operators; the earliest first, so that a fleet with many has room for them. */
const OPERATORS_SEALED_TO_MAX = 16;

function operatorsOf(roster: Roster): Member[] {
  return [...roster.members.values()]
    .filter(({ role, status }) => role === 'operator' && status === 'active')
    .sort((a, b) => a.admittedAt - b.admittedAt || (a.peerId < b.peerId ? -1 : 1))
    .slice(0, OPERATORS_SEALED_TO_MAX);
}

function shown(id: AssociationId, unchanged: boolean, roster: Roster): Associated {
  const association = roster.associations.get(id);
  if (!association) {
    throw new ResettleError('failed', `association ${shortId(id)} was signed and does not count`, {
      hint: 'see "resettle fleet members" for what stands against its parties',
    });
  }
  const { body, destination } = association;
  return {
    association: id,
    source: body.source,
    sourceName: nameOf(roster, body.source),
    destination: destination ?? null,
    destinationName: destination === undefined ? null : nameOf(roster, destination),
    mode: body.mode,
    unchanged,
  };
}
