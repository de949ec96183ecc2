import { ResettleError } from '../../common/errors.ts';
import { BULK_CHUNK_BYTES, PACK_MAX_BYTES } from '../../common/limits.ts';

/**
 * The blocks protocol is a row of frames: a fixed header of 48 bytes, little-endian, and as many bytes as it says.
 *
 *   u8 type · u8 0 · u16 0 · u32 payload bytes · u64 number · 32 bytes pack id (zeros where none)
 */
export const FRAME_HEADER_BYTES = 48;

export const FRAME = {
  /** First frame of the opener; payload: BlocksOpen. */
  open: 1,
  /** Answer to it; payload: BlocksOpened. */
  opened: 2,
  /** "I could send this pack": number = its size. */
  offer: 3,
  /** "Send this pack": number = from which offset. */
  want: 4,
  /** Bytes of a pack: number = their offset. */
  data: 5,
  /**
   * From who receives: "I have this pack, checked and durable", its sender may forget it. From a holder that gives:
   * "that was all of it", number = its size, so that a pack that is cut short on the disk keeps nobody waiting.
   */
  have: 6,
  /** "That was not this pack", or "I cannot give it": payload: Fault. */
  bad: 7,
  /** Nothing more will be asked or offered. */
  bye: 8,
} as const;
export type FrameType = (typeof FRAME)[keyof typeof FRAME];

/** Payload of frames other than data. */
const CONTROL_PAYLOAD_MAX_BYTES = 8 * 1024;

export interface FrameHeader {
  readonly type: FrameType;
  readonly payloadBytes: number;
  /** Offset or size, see FRAME. */
  readonly number: number;
  /** 64 hex digits. */
  readonly pack: string;
}

export function encodeFrameHeader(frame: FrameHeader): Uint8Array {
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES);
  bytes.writeUInt8(frame.type, 0);
  bytes.writeUInt32LE(frame.payloadBytes, 4);
  bytes.writeBigUInt64LE(BigInt(frame.number), 8);
  bytes.write(frame.pack, 16, 32, 'hex');
  return bytes;
}

/** Throws `damaged` for a type, length or number that no honest peer sends. */
export function decodeFrameHeader(bytes: Uint8Array): FrameHeader {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, FRAME_HEADER_BYTES);
  const type = view.readUInt8(0);
  const payloadBytes = view.readUInt32LE(4);
  const number = view.readBigUInt64LE(8);
  if (type < FRAME.open || type > FRAME.bye || view.readUInt8(1) !== 0 || view.readUInt16LE(2) !== 0) {
    throw new ResettleError('damaged', `a frame of unknown type ${type}`);
  }
  const most = type === FRAME.data ? BULK_CHUNK_BYTES : CONTROL_PAYLOAD_MAX_BYTES;
  if (payloadBytes > most || number > BigInt(PACK_MAX_BYTES)) {
    throw new ResettleError('damaged', `a frame of type ${type} with ${payloadBytes} bytes at ${number}`);
  }
  if (type === FRAME.data && (payloadBytes === 0 || number + BigInt(payloadBytes) > BigInt(PACK_MAX_BYTES))) {
    throw new ResettleError('damaged', `data of ${payloadBytes} bytes at ${number} does not fit into a pack`);
  }
  return { type: type as FrameType, payloadBytes, number: Number(number), pack: view.toString('hex', 16, 48) };
}
