/** The invite token: the text that a person carries to a new machine. It holds a private key: whoever has it can join. */
import { publicKeyToProtobuf } from '@libp2p/crypto/keys';
import type { Ed25519PrivateKey, PrivateKey } from '@libp2p/interface';
import { asBuffer, hexOf } from '../../common/bytes.ts';
import type { RandomBytes } from '../../common/clock.ts';
import { messageOf, ResettleError } from '../../common/errors.ts';
import type { AssociationId } from '../../common/ids.ts';
import {
  ADDRESSES_MAX,
  CREDENTIAL_RECORDS_MAX,
  INVITE_TOKEN_MAX_CHARS,
  RECORD_ENVELOPE_MAX_BYTES,
} from '../../common/limits.ts';
import { bytes, decodeStrict, encodeStrict, list, mapOf, nullable, text } from './fields.ts';
import { openInvite, readInvite, signInvite } from './invite.ts';
import { keyFromSeed, newKey, peerIdOf, seedOf } from './keys.ts';
import { address } from './payload.ts';
import { isOf, verifyRecord } from './record.ts';
import { computeRoster } from './roster.ts';
import type { Invite, Role, Roster, StoredRecord } from './types.ts';

const PREFIX = 'resettle-invite-1.';

const content = mapOf({
  invite: bytes(1, 1024),
  seed: bytes(32, 32),
  credential: list(bytes(1, RECORD_ENVELOPE_MAX_BYTES), CREDENTIAL_RECORDS_MAX),
  seeds: list(address, ADDRESSES_MAX),
  ticketIdentity: nullable(text(/^AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}$/)),
});

/** What a token holds. Nothing of it is verified until `checkInvite` was asked. */
export interface InviteToken {
  readonly envelope: Uint8Array;
  readonly invite: Invite;
  /** Erase it after joining. */
  readonly inviteKey: Ed25519PrivateKey;
  /** Envelopes that prove the issuer to somebody who knows only the fleet id. */
  readonly credential: readonly Uint8Array[];
  /** Multiaddrs where the issuer's side listens. */
  readonly seeds: readonly string[];
  /** A ticket's own age identity: opens what share holders bring together. Null in any other invite. */
  readonly ticketIdentity: string | null;
}

/** What makes an invite a ticket. */
export interface TicketTerms {
  readonly association: AssociationId;
  /** The private half of the association's ticket key. */
  readonly identity: string;
}

export interface CreateInviteOptions {
  /** The log of the issuer's machine. */
  readonly log: { roster(): Roster; credential(peer: Invite['issuer']): Uint8Array[] };
  /** The operator's key, or the authority's: only that one invites operators. */
  readonly issuerKey: PrivateKey;
  readonly role: Role;
  readonly uses: number;
  readonly expiresInMs: number;
  readonly seeds: readonly string[];
  readonly ticket?: TicketTerms | undefined;
  readonly now: number;
  readonly random: RandomBytes;
}

/** A new token's text. Throws `refused` where the issuer may not invite for this role, or for values out of limits. */
export async function createInvite(options: CreateInviteOptions): Promise<string> {
  const { log, issuerKey, role, uses, now, random } = options;
  const issuer = peerIdOf(issuerKey.publicKey);
  const roster = log.roster();
  const reason = whyNotIssuer(issuer, role, roster);
  if (reason || !roster.fleetId) {
    throw new ResettleError('refused', `this machine may not invite: ${reason}`, {
      hint: 'an operator invites members, the authority key invites operators too',
    });
  }
  const inviteKey = await newKey(random);
  const issuedAt = Math.max(now, roster.authorityTime);
  const invite = {
    fleetId: roster.fleetId,
    serial: hexOf(random(16)),
    publicKey: publicKeyToProtobuf(inviteKey.publicKey),
    role,
    uses,
    issuedAt,
    expiresAt: issuedAt + options.expiresInMs,
    association: options.ticket?.association ?? null,
  };
  const envelope = await signInvite(invite, issuerKey);
  const credential = log.credential(issuer);
  const encoded = encodeStrict(content, {
    invite: envelope,
    seed: seedOf(inviteKey),
    credential,
    seeds: options.seeds,
    ticketIdentity: options.ticket?.identity ?? null,
  });
  return PREFIX + asBuffer(encoded).toString('base64url');
}

/** Reads a token's text, blanks and line ends around it or not. Throws `bad-invite`. */
export async function parseInviteToken(text: string): Promise<InviteToken> {
  const trimmed = text.trim();
  if (!trimmed.startsWith(PREFIX)) throw badInvite(`it does not begin with ${PREFIX}`);
  const encoded = trimmed.slice(PREFIX.length);
  if (trimmed.length > INVITE_TOKEN_MAX_CHARS) throw badInvite('it is too long');
  const decoded = Buffer.from(encoded, 'base64url');
  if (decoded.toString('base64url') !== encoded) throw badInvite('it is damaged or cut short');
  try {
    const { invite: envelope, seed, ...rest } = decodeStrict(content, decoded, 'it', INVITE_TOKEN_MAX_CHARS);
    const invite = readInvite(envelope);
    if ((invite.association === null) !== (rest.ticketIdentity === null)) throw badInvite('it is half a ticket');
    return { ...rest, envelope, invite, inviteKey: await keyFromSeed(seed) };
  } catch (error) {
    throw error instanceof ResettleError ? badInvite(messageOf(error), error) : error;
  }
}

/**
 * Verifies a token as far as the joining machine can: the issuer's place in the fleet, the signatures, the time. Returns
 * the roster that the credential proves. Throws `bad-invite`, naming what is wrong.
 */
export async function checkInvite(token: InviteToken, now: number): Promise<Roster> {
  try {
    await openInvite(token.envelope);
    const roster = await checkCredential(token.invite.fleetId, token.credential);
    const reason = whyNotIssuer(token.invite.issuer, token.invite.role, roster);
    if (reason) throw badInvite(`it is not signed by somebody who may invite: ${reason}`);
    const publicKey = publicKeyToProtobuf(token.inviteKey.publicKey);
    if (!asBuffer(publicKey).equals(token.invite.publicKey)) throw badInvite('its private key is not the one it names');
    checkInviteTime(token.invite, now, roster.authorityTime);
    return roster;
  } catch (error) {
    if (!(error instanceof ResettleError) || error.code === 'bad-invite') throw error;
    throw badInvite(messageOf(error), error);
  }
}

/** The roster that a few envelopes prove to somebody who knows only the fleet id. Throws `refused`. */
export async function checkCredential(fleetId: Invite['fleetId'], envelopes: readonly Uint8Array[]): Promise<Roster> {
  if (envelopes.length > CREDENTIAL_RECORDS_MAX) {
    throw new ResettleError('refused', `the credential has more than ${CREDENTIAL_RECORDS_MAX} records`, {
      hint: 'the sender is damaged, hostile or of another version',
    });
  }
  const records: StoredRecord[] = [];
  for (const envelope of envelopes) records.push(await verifyRecord(envelope));
  const roster = computeRoster(records, fleetId);
  if (!records.some((record) => isOf(record, 'fleet')) || !roster.fleet) {
    throw new ResettleError('refused', `the credential does not belong to the fleet ${fleetId.slice(0, 8)}`, {
      hint: 'check that both machines belong to the same fleet',
    });
  }
  return roster;
}

/** Throws `bad-invite` where the invite has ended: by this clock, but never earlier than what the authority signed. */
export function checkInviteTime(invite: Invite, now: number, authorityTime: number): void {
  if (Math.max(now, authorityTime) > invite.expiresAt) {
    throw badInvite(`it expired at ${new Date(invite.expiresAt).toISOString()}`);
  }
}

/** Why a peer may not issue invites for a role, or undefined. */
export function whyNotIssuer(issuer: Invite['issuer'], role: Role, roster: Roster): string | undefined {
  if (issuer === roster.authority) return undefined;
  const member = roster.members.get(issuer);
  if (!member) return `${issuer} is not a member`;
  if (member.status !== 'active') return `${issuer} is ${member.status}`;
  if (member.role !== 'operator') return `${issuer} is not an operator`;
  return role === 'operator' ? 'only the authority invites operators' : undefined;
}

export function badInvite(what: string, cause?: unknown): ResettleError {
  return new ResettleError('bad-invite', `the invite cannot be used: ${what}`, {
    hint: 'ask an operator for a new one: "resettle fleet invite"',
    cause,
  });
}
