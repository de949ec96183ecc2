/**
 * One header block of a tar archive (POSIX ustar), its fields as bytes. A number that does not fit in octal is written in
 * base 256, as GNU tar, star and libarchive do.
 */
export interface TarHeader {
  /** At most 100 bytes; what is longer stands in a GNU long-name member before it. */
  readonly name: Uint8Array;
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  /** Whole seconds since 1970. */
  readonly mtimeS: number;
  /** At most 100 bytes. */
  readonly linkName?: Uint8Array | undefined;
  /** Names of owner and group; what is longer than 31 bytes is left out. */
  readonly userName?: Uint8Array | undefined;
  readonly groupName?: Uint8Array | undefined;
  readonly major?: number;
  readonly minor?: number;
}

export const TAR_BLOCK_BYTES = 512;
export const TAR_NAME_BYTES = 100;
const OWNER_NAME_BYTES = 31;
const CHECKSUM_AT = 148;

export function tarHeader(header: TarHeader): Buffer {
  const block = Buffer.alloc(TAR_BLOCK_BYTES);
  block.set(header.name.subarray(0, TAR_NAME_BYTES), 0);
  putNumber(block, 100, 8, header.mode);
  putNumber(block, 108, 8, header.uid);
  putNumber(block, 116, 8, header.gid);
  putNumber(block, 124, 12, header.sizeBytes);
  putNumber(block, 136, 12, header.mtimeS);
  block.write(header.type, 156, 'latin1');
  block.set((header.linkName ?? Buffer.alloc(0)).subarray(0, TAR_NAME_BYTES), 157);
  block.write('ustar\u000000', 257, 'latin1');
  putName(block, 265, header.userName);
  putName(block, 297, header.groupName);
  putNumber(block, 329, 8, header.major ?? 0);
  putNumber(block, 337, 8, header.minor ?? 0);
  block.fill(' ', CHECKSUM_AT, CHECKSUM_AT + 8);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, CHECKSUM_AT, 'latin1');
  return block;
}

/** Zeros up to the next whole block. */
export function tarPadding(lengthBytes: number): Buffer {
  return Buffer.alloc((TAR_BLOCK_BYTES - (lengthBytes % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES);
}

function putNumber(block: Buffer, at: number, width: number, value: number): void {
  const octal = value.toString(8);
  if (octal.length < width) {
    block.write(octal.padStart(width - 1, '0'), at, 'latin1');
    return;
  }
  let rest = BigInt(value);
  for (let end = at + width - 1; end > at; end--) {
    block[end] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  block[at] = 0x80;
}

/** A name that is too long is left out: the number stands for it. */
function putName(block: Buffer, at: number, name: Uint8Array | undefined): void {
  if (name && name.length <= OWNER_NAME_BYTES) block.set(name, at);
}
