import { createHmac } from 'node:crypto';
import type { AssociationId, FleetId } from '../../common/ids.ts';
import { MACHINE_DIGESTS_MAX } from '../../common/limits.ts';
import { type Attribute, attributesOf, type Kind } from './attributes.ts';
import type { HardwareFacts } from './facts.ts';

const KIND_NUMBER: Readonly<Record<Kind, number>> = { uuid: 1, serial: 2, board: 3, chassis: 4, mac: 5 };
const KIND_BY_NUMBER = new Map(Object.entries(KIND_NUMBER).map(([kind, number]) => [number, kind as Kind]));
/** Set in the kind's byte where the value was seen inside a virtual machine or container. */
const VIRTUAL_BIT = 0x80;
const DIGEST_BYTES = 16;
const ENTRY_BYTES = 1 + DIGEST_BYTES;

/** One attribute of a machine as an event carries it: its kind, and its value under the association's salt. */
export interface AttributeDigest {
  readonly kind: Kind;
  readonly virtual: boolean;
  /** 32 hex digits. */
  readonly digest: string;
}

/**
 * What a machine claims to run on, salted by the fleet, 32 hex digits; null where it has nothing to tell by. An adapter
 * comes first, because agents of different users on one machine must claim the same, and only root reads serial numbers.
 */
export function machineClaim(facts: HardwareFacts, fleetId: FleetId): string | null {
  const attributes = attributesOf(facts);
  const chosen = attributes.find(({ kind }) => kind === 'mac') ?? attributes[0];
  return chosen ? salted('claim', fleetId, chosen).toString('hex') : null;
}

/**
 * Digests of all that this machine can be told by, for the event of a capture in place: for each attribute its kind and
 * 16 bytes of an HMAC. Null where there is nothing.
 */
export function machineDigests(facts: HardwareFacts, association: AssociationId): Uint8Array | null {
  const entries = digestsOf(facts, association).map(({ kind, virtual, digest }) =>
    Buffer.concat([Buffer.of(KIND_NUMBER[kind] | (virtual ? VIRTUAL_BIT : 0)), Buffer.from(digest, 'hex')]),
  );
  return entries.length === 0 ? null : new Uint8Array(Buffer.concat(entries));
}

/** The same, to be compared. */
export function digestsOf(facts: HardwareFacts, association: AssociationId): AttributeDigest[] {
  return attributesOf(facts)
    .slice(0, MACHINE_DIGESTS_MAX)
    .map((attribute) => ({
      kind: attribute.kind,
      virtual: facts.virtual !== null,
      digest: salted('digest', association, attribute).toString('hex'),
    }));
}

/** Reads what a source signed. Kinds that this version does not know are left out; what is no list of digests is empty. */
export function readDigests(bytes: Uint8Array): AttributeDigest[] {
  if (bytes.length % ENTRY_BYTES !== 0 || bytes.length > ENTRY_BYTES * MACHINE_DIGESTS_MAX) return [];
  const digests: AttributeDigest[] = [];
  for (let at = 0; at < bytes.length; at += ENTRY_BYTES) {
    const number = bytes[at] ?? 0;
    const kind = KIND_BY_NUMBER.get(number & ~VIRTUAL_BIT);
    const digest = Buffer.from(bytes.subarray(at + 1, at + ENTRY_BYTES)).toString('hex');
    if (kind) digests.push({ kind, virtual: (number & VIRTUAL_BIT) !== 0, digest });
  }
  return digests;
}

function salted(use: 'claim' | 'digest', salt: string, { kind, value }: Attribute): Buffer {
  return createHmac('sha256', Buffer.from(salt, 'hex'))
    .update(`resettle/1 machine ${use}\0${kind}\0${value}`)
    .digest()
    .subarray(0, DIGEST_BYTES);
}
