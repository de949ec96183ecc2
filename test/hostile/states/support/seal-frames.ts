import { createSecretKey, randomBytes } from 'node:crypto';
import type { PackId } from '../../../../src/common/ids.ts';
import { packId } from '../../../../src/common/ids.ts';
import { KIND, type Kind, sealInto, TAG_BYTES } from '../../../../src/state/format/frame-cipher.ts';
import { digest } from '../../../../src/state/format/index.ts';
import { packKey } from '../../../../src/state/format/keys.ts';
import { HEAD_BYTES, HEAD_PLAIN_BYTES } from '../../../../src/state/format/pack-layout.ts';
import type { FrameBody } from '../../../../src/state/format/pack-writer.ts';
import { identity } from '../../../state/support/source-machine.ts';

export interface PackChanges {
  readonly magic?: string;
  readonly withoutEnd?: boolean;
  readonly padding?: Uint8Array;
  readonly behind?: Uint8Array;
  /** The first frame comes second. */
  readonly swapped?: boolean;
}

/** Seals frames as a `PackWriter` does, one of its rules broken. The pack's id is right. */
export function sealFrames(frames: readonly FrameBody[], changes: PackChanges = {}): [PackId, Uint8Array] {
  const { magic = 'RSTLPK01', withoutEnd, padding = new Uint8Array(20), behind = new Uint8Array(0), swapped } = changes;
  const salt = randomBytes(32);
  const key = createSecretKey(packKey(identity.stateKey, salt, identity.stateId));
  const seal = (
    kind: Kind,
    number: number,
    frame: Pick<FrameBody, 'body' | 'compression' | 'plainBytes'>,
    last: boolean,
  ) => {
    const head = Buffer.alloc(HEAD_PLAIN_BYTES);
    head[0] = kind;
    head[1] = frame.compression;
    head[2] = last ? 1 : 0;
    head.writeUInt32LE(frame.body.length + TAG_BYTES, 4);
    head.writeUInt32LE(frame.plainBytes, 8);
    const out = Buffer.alloc(HEAD_BYTES + frame.body.length + TAG_BYTES);
    sealInto(out, 0, key, KIND.head, 2 * number, false, head);
    sealInto(out, HEAD_BYTES, key, kind, 2 * number + 1, last, frame.body);
    return out;
  };
  const sealed = frames.map((frame, number) => seal(frame.kind, number, frame, false));
  if (swapped) sealed.reverse();
  const end = seal(KIND.padding, frames.length, { body: padding, compression: 0, plainBytes: padding.length }, true);
  const bytes = Buffer.concat([Buffer.from(magic), salt, ...sealed, ...(withoutEnd ? [] : [end]), behind]);
  return [packId(digest(bytes).toString('hex')), bytes];
}
