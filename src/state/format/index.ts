/** The face of the format room: what other rooms and wings use of it. */
export type { FolderBlock, FolderPath } from './block.ts';
export {
  openDescriptor,
  openSealedPart,
  type PackReference,
  type SnapshotClaims,
  type SnapshotHeader,
  signDescriptor,
} from './descriptor.ts';
export { digest } from './digest.ts';
export type { Entry, Extent, FileEntry, Metadata } from './entry.ts';
export {
  unwrapStateKey,
  unwrapStateKeyByPassphrase,
  wrapStateKey,
  wrapStateKeyByPassphrase,
} from './key-files.ts';
export { keyCheckValue } from './keys.ts';
export { decodePart, encodePart, type ManifestPart } from './manifest-part.ts';
export { readPack } from './pack-reader.ts';
export { packBytesFor } from './pack-size.ts';
export { frameBody, PackWriter } from './pack-writer.ts';
export { padmeBytes } from './padme.ts';
export { scryptIdentity, scryptRecipient } from './scrypt-stanza.ts';
export type { LeftOut, PartReference, SealedPart, Totals } from './sealed-part.ts';
export { newStateId } from './state-id.ts';
