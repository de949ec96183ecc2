import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import type { Xattr } from '../fs/xattr.ts';

/** What an item is given beside mode, owner and time: attributes with its ACLs as the kernel wants them, inode flags. */
export interface GivenExtras {
  readonly xattrs: readonly Xattr[];
  readonly flags: number;
}

/** Extras wait in a scratch file. They are few, so each begins at a multiple of this: 32 bits reach 256 GiB. */
const UNIT_BYTES = 64;
const HEAD_BYTES = 12;

export class ExtrasSpool {
  readonly #fd: number;
  #isOpen = true;
  #units = 1;

  constructor(path: string) {
    this.#fd = openSync(path, 'wx+', 0o600);
  }

  /** Returns where they are: never 0, which stands for none. */
  add({ xattrs, flags }: GivenExtras): number {
    const parts: Uint8Array[] = [];
    for (const { name, value } of xattrs) {
      const lengths = Buffer.alloc(8);
      lengths.writeUInt32LE(name.length);
      lengths.writeUInt32LE(value.length, 4);
      parts.push(lengths, name, value);
    }
    const body = Buffer.concat(parts);
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeUInt32LE(body.length);
    head.writeUInt32LE(flags, 4);
    head.writeUInt32LE(xattrs.length, 8);
    const at = this.#units;
    const bytes = Buffer.concat([head, body]);
    writeSync(this.#fd, bytes, 0, bytes.length, at * UNIT_BYTES);
    this.#units += Math.ceil(bytes.length / UNIT_BYTES);
    return at;
  }

  /** Undefined for 0. */
  get(at: number): GivenExtras | undefined {
    if (at === 0) return undefined;
    const head = Buffer.alloc(HEAD_BYTES);
    readSync(this.#fd, head, 0, HEAD_BYTES, at * UNIT_BYTES);
    const body = Buffer.alloc(head.readUInt32LE());
    readSync(this.#fd, body, 0, body.length, at * UNIT_BYTES + HEAD_BYTES);
    const xattrs: Xattr[] = [];
    for (let from = 0; xattrs.length < head.readUInt32LE(8); ) {
      const nameEnd = from + 8 + body.readUInt32LE(from);
      const end = nameEnd + body.readUInt32LE(from + 4);
      xattrs.push({ name: body.subarray(from + 8, nameEnd), value: body.subarray(nameEnd, end) });
      from = end;
    }
    return { xattrs, flags: head.readUInt32LE(4) };
  }

  /** May be called again. */
  close(): void {
    if (this.#isOpen) closeSync(this.#fd);
    this.#isOpen = false;
  }
}
