import { happens, type ItemState, isOrdered } from './cut.ts';
import { emptyBytes, type Operation } from './operations.ts';

/** What a disk writes whole or not at all. */
const SECTOR_BYTES = 512;

type Change = Extract<Operation, { type: 'write' | 'resize' }>;
const isChange = (operation: Operation): operation is Change =>
  operation.type === 'write' || operation.type === 'resize';

/** A file's bytes after a cut. */
export function dataAfter(state: ItemState): Buffer {
  const { before, own, cut } = state;
  if (before.made.kind !== 'file') return emptyBytes;
  const pinned = pinnedOf(state);
  const file = new Bytes(before.data);
  const later: { at: number; operation: Change }[] = [];
  for (const { at, operation } of own) {
    if (!isChange(operation)) continue;
    if (at < pinned) file.apply(operation);
    else later.push({ at, operation });
  }
  if (later.length === 0) return file.take(file.size);
  return isOrdered(cut.profile) ? enlarged(file, later, state) : anyOf(file, later, state);
}

function pinnedOf({ inode, own, durable, cut, journal }: ItemState): number {
  const synced = durable.ofData(inode);
  if (cut.profile !== 'ext4') return synced;
  const over = own.filter(({ at, operation }) => {
    return operation.type === 'rename' && operation.inode === inode && operation.over && at < journal;
  });
  return Math.max(synced, over.at(-1)?.at ?? 0);
}

type Later = readonly { readonly at: number; readonly operation: Change }[];

/** Any sector old or new, any size that it had. */
function anyOf(file: Bytes, later: Later, { cut, random }: ItemState): Buffer {
  const sizes = [file.size];
  const live = new Bytes(file.take(file.size));
  for (const { operation } of later) {
    live.apply(operation);
    sizes.push(live.size);
    if (operation.type === 'resize') {
      if (happens(random, cut.data)) file.apply(operation);
    } else file.write(operation, () => happens(random, cut.data));
  }
  if (cut.data === 100) return file.take(live.size);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  const size =
    cut.data === 0 ? sizes[0]! : random.integer(3) > 0 ? random.pick(sizes) : least + random.integer(most - least + 1);
  return file.take(size);
}

/** What it was enlarged by is right, as far as it goes; what was there before is old or new. */
function enlarged(file: Bytes, later: Later, { cut, journal, random }: ItemState): Buffer {
  const known = file.size;
  const live = new Bytes(file.take(known));
  let size = known;
  for (const { at, operation } of later) {
    live.apply(operation);
    if (at < journal && operation.type === 'resize') {
      file.apply(operation);
      size = operation.size;
    } else if (operation.type === 'write') {
      file.write(operation, (offset) => offset >= known || happens(random, cut.data));
      if (at < journal) size = Math.max(size, live.size);
    }
  }
  if (cut.data === 100 || size <= known) return file.take(size);
  return file.take(cut.data === 0 ? known : known + random.integer(size - known + 1));
}

/** Bytes that grow. */
class Bytes {
  #room: Buffer;
  size: number;

  constructor(bytes: Buffer) {
    this.#room = Buffer.from(bytes);
    this.size = bytes.length;
  }

  apply(change: Change): void {
    if (change.type === 'write') {
      this.write(change, () => true);
      return;
    }
    if (change.size < this.size) this.#room.fill(0, change.size);
    this.#grow(change.size);
    this.size = change.size;
  }

  /** Those sectors of it that are to be taken; the size counts them all. */
  write({ offset, bytes }: Extract<Change, { type: 'write' }>, takes: (offset: number) => boolean): void {
    const end = offset + bytes.length;
    this.#grow(end);
    for (let at = offset; at < end; ) {
      const next = Math.min(end, (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES);
      if (takes(at)) this.#room.set(bytes.subarray(at - offset, next - offset), at);
      at = next;
    }
    this.size = Math.max(this.size, end);
  }

  take(size: number): Buffer {
    this.#grow(size);
    return Buffer.from(this.#room.subarray(0, size));
  }

  #grow(size: number): void {
    if (size <= this.#room.length) return;
    const larger = Buffer.alloc(size * 2);
    larger.set(this.#room);
    this.#room = larger;
  }
}
