import {
  emptyBytes,
  type Inode,
  type Item,
  keyOf,
  type Metadata,
  type Operation,
  type Recording,
  type Tree,
} from './operations.ts';

/** A disk with a cache that loses nothing: what programs see while the power is on. */
export class LiveDisk implements Tree {
  readonly roots: readonly Inode[];
  readonly items: Map<Inode, { made: Item['made']; metadata: Metadata; data: Buffer }>;
  readonly folders = new Map<Inode, Map<string, Inode>>();
  readonly #room = new Map<Inode, Buffer>();

  constructor({ roots, items, names }: Recording['before']) {
    this.roots = roots;
    this.items = new Map([...items].map(([inode, item]) => [inode, { ...item }]));
    for (const [inode, { made }] of items) if (made.kind === 'folder') this.folders.set(inode, new Map());
    for (const { at, inode } of names) this.folders.get(at.folder)!.set(at.name, inode);
  }

  at(folder: Inode, name: string): Inode | undefined {
    return this.folders.get(folder)?.get(name);
  }

  apply(operation: Operation): void {
    switch (operation.type) {
      case 'make':
        this.items.set(operation.inode, { made: operation.made, metadata: operation.metadata, data: emptyBytes });
        if (operation.made.kind === 'folder') this.folders.set(operation.inode, new Map());
        this.#name(operation.at.folder, operation.at.name, operation.inode);
        return;
      case 'link':
        this.#name(operation.at.folder, operation.at.name, operation.inode);
        return;
      case 'remove':
        this.#name(operation.at.folder, operation.at.name, undefined);
        return;
      case 'rename':
        this.#name(operation.from.folder, operation.from.name, undefined);
        this.#name(operation.to.folder, operation.to.name, operation.inode);
        return;
      case 'write':
        this.#write(operation.inode, operation.offset, operation.bytes);
        return;
      case 'resize':
        this.#resize(operation.inode, operation.size);
        return;
      case 'metadata':
        this.items.get(operation.inode)!.metadata = operation.metadata;
        return;
      default:
    }
  }

  #name(folder: Inode, name: string, inode: Inode | undefined): void {
    const names = this.folders.get(folder);
    if (!names) throw new Error(`no folder for ${keyOf({ folder, name })}`);
    if (inode === undefined) names.delete(name);
    else names.set(name, inode);
    this.#touch(folder);
  }

  /** Its time is that of this change now. */
  #touch(inode: Inode): void {
    const item = this.items.get(inode)!;
    if (item.metadata.mtimeNs !== undefined) item.metadata = { ...item.metadata, mtimeNs: undefined };
  }

  #write(inode: Inode, offset: number, bytes: Buffer): void {
    const item = this.items.get(inode)!;
    const end = Math.max(item.data.length, offset + bytes.length);
    item.data = this.#grown(inode, item.data, end);
    item.data.set(bytes, offset);
    this.#touch(inode);
  }

  #resize(inode: Inode, size: number): void {
    const item = this.items.get(inode)!;
    const isCut = size < item.data.length;
    item.data = isCut ? Buffer.from(item.data.subarray(0, size)) : this.#grown(inode, item.data, size);
    if (isCut) this.#room.delete(inode);
    this.#touch(inode);
  }

  /** The same bytes with zeros behind, in memory that has room for more of them. */
  #grown(inode: Inode, data: Buffer, size: number): Buffer {
    const room = this.#room.get(inode);
    if (room && room.buffer === data.buffer && size <= room.length) return room.subarray(0, size);
    const larger = Buffer.alloc(Math.max(4096, size * 2));
    larger.set(data);
    this.#room.set(inode, larger);
    return larger.subarray(0, size);
  }
}
