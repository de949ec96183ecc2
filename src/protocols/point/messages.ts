import {
  DESCRIPTOR_MAX_BYTES,
  DESCRIPTOR_PACKS_MAX_BYTES,
  KEY_FILE_MAX_BYTES,
  PACK_IDS_MAX_BYTES,
  RECORD_ENVELOPE_MAX_BYTES,
} from '../../common/limits.ts';
import { Fault } from '../wire/fault.ts';
import {
  bytesField,
  countField,
  defineMessage,
  flagField,
  listField,
  type MessageOf,
  messageField,
  textField,
} from '../wire/message.ts';

export const POINT_PROTOCOL = '/resettle/point/1';

const HASH_TEXT = 64;

const capacityFields = {
  /** Bytes that a new lease may have at most. */
  freeBytes: countField(1),
  reservedBytes: countField(2),
  clients: countField(3),
  maxClients: countField(4),
  draining: flagField(5),
  /** Bytes of the states held. */
  heldBytes: countField(6),
  /** Speed of the interface that the asker's connection arrives at, in Mbit/s; 0 where it is not known. */
  linkMbps: countField(7),
  /** Why the asker is not served, such as its subnet; empty: it is. */
  refusal: textField(8, 200),
};
export const Capacity = defineMessage(capacityFields);
export type Capacity = MessageOf<typeof capacityFields>;

const reserveFields = {
  association: bytesField(1, RECORD_ENVELOPE_MAX_BYTES),
  state: textField(2, HASH_TEXT),
  bytes: countField(3),
  /** Another holder makes a copy: the asker is not the source, but holds the state. */
  copy: flagField(4),
};
const Reserve = defineMessage(reserveFields);
export type Reserve = MessageOf<typeof reserveFields>;

const leaseFields = { lease: textField(1, HASH_TEXT), expiresAtMs: countField(2), snapshot: countField(3) };
export const Lease = defineMessage(leaseFields);
/** `snapshot` is the highest that the point already holds of this state, 0 for none. */
export type Lease = MessageOf<typeof leaseFields>;

const keyFields = { name: textField(1, 64), bytes: bytesField(2, KEY_FILE_MAX_BYTES) };
const KeyFile = defineMessage(keyFields);
export type KeyFile = MessageOf<typeof keyFields>;

const commitFields = {
  lease: textField(1, HASH_TEXT),
  snapshot: countField(2),
  descriptor: bytesField(3, DESCRIPTOR_MAX_BYTES),
  keys: listField(messageField(4, KeyFile), 8),
  /**
   * Which packs of the descriptor this point shall hold, where the state is spread: bit `i % 8` (lowest first) of byte
   * `i / 8` is pack `i`. Empty: all of them.
   */
  packs: bytesField(5, DESCRIPTOR_PACKS_MAX_BYTES),
};
const Commit = defineMessage(commitFields);
export type Commit = MessageOf<typeof commitFields>;

const findFields = { state: textField(1, HASH_TEXT) };
const Find = defineMessage(findFields);

const holdingFields = {
  state: textField(1, HASH_TEXT),
  association: textField(2, HASH_TEXT),
  snapshots: listField(countField(3), 10_000),
  bytes: countField(4),
  /** Some packs of the newest snapshot are with other holders. */
  partial: flagField(5),
};
const Holding = defineMessage(holdingFields);
export type Holding = MessageOf<typeof holdingFields>;

const snapshotFields = {
  state: textField(1, HASH_TEXT),
  snapshot: countField(2),
  /** Which key file: `recovery`, `code`, or empty for the asker's own, which may be absent. */
  key: textField(3, 64),
};
const WantSnapshot = defineMessage(snapshotFields);
export type WantSnapshot = MessageOf<typeof snapshotFields>;

const missingFields = {
  state: textField(1, HASH_TEXT),
  /** Pack ids of 32 bytes, one behind the other. */
  packs: bytesField(2, PACK_IDS_MAX_BYTES),
};
const AskMissing = defineMessage(missingFields);
export type AskMissing = MessageOf<typeof missingFields>;

const addKeyFields = { state: textField(1, HASH_TEXT), key: messageField(2, KeyFile) };
const AddKey = defineMessage(addKeyFields);
export type AddKey = MessageOf<typeof addKeyFields>;

const askKeysFields = { state: textField(1, HASH_TEXT) };
const AskKeys = defineMessage(askKeysFields);
export type AskKeys = MessageOf<typeof askKeysFields>;

const requestFields = {
  capacity: flagField(1),
  reserve: messageField(2, Reserve),
  /** A lease to give up. */
  release: textField(3, HASH_TEXT),
  commit: messageField(4, Commit),
  /** What is held for the asker; with `state`, that one only. */
  find: messageField(5, Find),
  snapshot: messageField(6, WantSnapshot),
  /** Which of these packs are not held: asked by the state's source, destination and holders. */
  missing: messageField(7, AskMissing),
  /** The source wraps the key to a destination that was named after the capture. */
  addKey: messageField(8, AddKey),
  /** All key files: asked by another holder, whose own is damaged. */
  keys: messageField(9, AskKeys),
};
/** Exactly one field is set. */
export const PointRequest = defineMessage(requestFields);
export type PointRequest = MessageOf<typeof requestFields>;

const answerFields = {
  fault: messageField(1, Fault),
  capacity: messageField(2, Capacity),
  lease: messageField(3, Lease),
  holdings: listField(messageField(4, Holding), 1_000),
  descriptor: bytesField(5, DESCRIPTOR_MAX_BYTES),
  /** The key file that was asked for; empty where there is none. */
  key: bytesField(6, KEY_FILE_MAX_BYTES),
  /** Of the packs that were asked about, those that are not held. */
  missing: bytesField(7, PACK_IDS_MAX_BYTES),
  keys: listField(messageField(8, KeyFile), 8),
};
export const PointAnswer = defineMessage(answerFields);
export type PointAnswer = MessageOf<typeof answerFields>;
