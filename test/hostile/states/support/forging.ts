import { randomBytes } from 'node:crypto';
import { encode } from 'cborg';
import { bytesOfHex } from '../../../../src/common/bytes.ts';
import type { AssociationId, StateId } from '../../../../src/common/ids.ts';
import { PACK_MAX_BYTES } from '../../../../src/common/limits.ts';
import { BlockWriter } from '../../../../src/state/format/block.ts';
import { CborWriter } from '../../../../src/state/format/cbor-writer.ts';
import type { Entry } from '../../../../src/state/format/entry.ts';
import { KIND } from '../../../../src/state/format/frame-cipher.ts';
import {
  digest,
  encodePart,
  frameBody,
  keyCheckValue,
  type PackReference,
  PackWriter,
  type PartReference,
  signDescriptor,
  type Totals,
} from '../../../../src/state/format/index.ts';
import type { FrameBody } from '../../../../src/state/format/pack-writer.ts';
import { type SealedPart, sealPart } from '../../../../src/state/format/sealed-part.ts';
import { SegmentBuilder } from '../../../../src/state/format/segment.ts';
import { DATA } from '../../../state/support/forge.ts';
import { about, type Identity, identity, MemoryPacks } from '../../../state/support/source-machine.ts';

/** Entries of a folder. `raw`: one more, as any CBOR. */
export interface Block {
  readonly path: readonly string[];
  readonly entries?: readonly Entry[];
  readonly raw?: readonly Uint8Array[];
}

/** In place of what a right descriptor says. */
export interface DescriptorChanges {
  readonly snapshot?: number;
  readonly association?: AssociationId;
  readonly stateId?: StateId;
  readonly keyCheck?: Uint8Array;
  readonly manifestHash?: Uint8Array;
  readonly signer?: Identity;
  /** Of the sealed part. */
  readonly sealed?: Partial<SealedPart>;
  /** The bytes in place of the sealed part. */
  readonly sealedBytes?: Uint8Array;
}

const NO_TOTALS: Totals = { files: 0, folders: 0, symlinks: 0, hardlinks: 0, specials: 0, bytes: 0 };
const latin1 = (name: string): Buffer => Buffer.from(name, 'latin1');
const out = new Uint8Array(PACK_MAX_BYTES);

/** An entry of any keys and values, as CBOR that `encode` makes of them. */
export const rawEntry = (fields: readonly (readonly [number, unknown])[]): Uint8Array => encode(new Map(fields));

/** The keys of an ordinary file, folder or link, to be changed. */
export const fields = (name: string, type: number, changes: Readonly<Record<number, unknown>> = {}) => {
  const all: Record<number, unknown> = { 0: latin1(name), 1: type, 2: 0o644, 3: 0, 4: 0, 5: 1, ...changes };
  return Object.entries(all)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => [Number(key), value] as const);
};

/** A segment as the writers make it. */
export function segmentOf(pieces: readonly Uint8Array[]): Uint8Array {
  const segment = new SegmentBuilder();
  for (const bytes of pieces) {
    segment.room(bytes.length).set(bytes);
    segment.add({ entry: 0, fileOffset: 0, length: bytes.length, hash: digest(bytes) });
  }
  return Uint8Array.from(segment.plain());
}

/**
 * Makes a snapshot out of the lower layers of the format: every signature, seal and hash is right, and what they vouch for
 * is whatever it is told to be. Pack 0 holds DATA in its first frame, for files that are ordinary.
 */
export class Forging {
  readonly packs = new MemoryPacks();
  readonly references: PackReference[] = [];
  readonly parts: PartReference[] = [];
  totals: Totals = NO_TOTALS;
  roots: readonly (readonly string[])[] = [['r']];
  leftOut: SealedPart['leftOut'] = { count: 0, items: [] };
  machineName = 'laptop';
  capturedAtNs = 1_700_000_000_123_456_789n;
  users: Readonly<Record<number, string>> = {};
  groups: Readonly<Record<number, string>> = {};

  constructor() {
    this.seal([frameBody(KIND.content, segmentOf([DATA]))]);
  }

  /** Seals frames into a pack of its own; returns its index. */
  seal(frames: readonly FrameBody[]): number {
    const writer = new PackWriter(out, identity.stateKey, identity.stateId, randomBytes);
    for (const frame of frames) writer.add(frame);
    const { id, sizeBytes } = writer.finish();
    return this.keep(id, out.slice(0, sizeBytes));
  }

  /** Takes any bytes as a pack. */
  keep(id: PackReference['id'], bytes: Uint8Array): number {
    this.packs.packs.set(id, bytes);
    return this.references.push({ id, sizeBytes: bytes.length }) - 1;
  }

  /** A part of the manifest by its blocks, in a pack of its own; counts what is in it. */
  blocks(
    blocks: readonly Block[],
    changes: { readonly packs?: readonly Uint8Array[]; readonly entries?: number } = {},
  ): this {
    const cbor = new CborWriter();
    let entries = 0;
    for (const { path, entries: own = [], raw = [] } of blocks) {
      const writer = new BlockWriter();
      writer.begin(path.map(latin1));
      for (const entry of own) {
        writer.entry(entry);
        if (entry.kind !== 'more') entries += 1;
        this.count(entry);
      }
      for (const one of raw) writer.raw(one, 1);
      entries += raw.length;
      cbor.raw(writer.view());
    }
    const plain = encodePart(
      { packs: changes.packs ?? this.references.map(({ id }) => bytesOfHex(id)), ...this.#names() },
      { count: blocks.length, cbor: cbor.view() },
    );
    return this.part(plain, changes.entries ?? entries);
  }

  /** A part of any bytes. */
  part(plain: Uint8Array, entries: number): this {
    const pack = this.seal([frameBody(KIND.manifest, plain)]);
    this.parts.push({ pack, frame: 0, hash: digest(plain), entries });
    return this;
  }

  /** Many parts in few packs. */
  manyParts(plains: Iterable<{ readonly plain: Uint8Array; readonly entries: number }>): this {
    let frames: FrameBody[] = [];
    let bytes = 0;
    const flush = (): void => {
      if (frames.length > 0) this.seal(frames);
      frames = [];
      bytes = 0;
    };
    for (const { plain, entries } of plains) {
      const body = frameBody(KIND.manifest, plain);
      if (frames.length === 1000 || bytes + body.body.length > PACK_MAX_BYTES / 2) flush();
      this.parts.push({ pack: this.references.length, frame: frames.length, hash: digest(plain), entries });
      frames.push(body);
      bytes += body.body.length;
    }
    flush();
    return this;
  }

  count(entry: Entry): void {
    const totals = { ...this.totals };
    if (entry.kind === 'file') {
      totals.files += 1;
      totals.bytes += entry.sizeBytes;
    }
    if (entry.kind === 'folder') totals.folders += 1;
    if (entry.kind === 'symlink') totals.symlinks += 1;
    if (entry.kind === 'hardlink') totals.hardlinks += 1;
    if (entry.kind === 'fifo' || entry.kind === 'character' || entry.kind === 'block') totals.specials += 1;
    this.totals = totals;
  }

  /** The descriptor, signed by the source unless told otherwise. */
  describe(changes: DescriptorChanges = {}): Promise<Uint8Array> {
    const { stateKey } = identity;
    const { stateId = identity.stateId, signer = identity } = changes;
    const ordinary = about(identity);
    const sealed: SealedPart = {
      roots: this.roots.map((root) => root.map(latin1)),
      parts: this.parts,
      totals: this.totals,
      leftOut: this.leftOut,
      capturedAtNs: this.capturedAtNs,
      machineName: this.machineName,
      platform: ordinary.platform,
      ...changes.sealed,
    };
    return signDescriptor(
      {
        stateId,
        association: changes.association,
        snapshot: changes.snapshot ?? 1,
        previous: null,
        keyCheck: changes.keyCheck ?? keyCheckValue(stateKey, stateId),
        manifestHash: changes.manifestHash ?? digest(Buffer.concat(sealed.parts.map(({ hash }) => hash))),
        packs: this.references,
        sealed: changes.sealedBytes ?? sealPart(sealed, stateKey, stateId, randomBytes),
      },
      signer.privateKey,
    );
  }

  #names() {
    const bytes = (names: Readonly<Record<number, string>>) =>
      new Map(Object.entries(names).map(([id, name]) => [Number(id), latin1(name)]));
    return { userNames: bytes(this.users), groupNames: bytes(this.groups) };
  }
}
