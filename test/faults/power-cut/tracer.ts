import { readFileSync } from 'node:fs';
import { LiveDisk } from './live-disk.ts';
import {
  emptyBytes,
  type Inode,
  type Kind,
  type Metadata,
  type Name,
  type Operation,
  type Recording,
} from './operations.ts';
import { bytesOf, type Call, descriptorOf, pathBehind, vectorOf } from './strace-lines.ts';

/** What a descriptor of a process leads to. */
interface Open {
  readonly inode: Inode;
  /** Where plain writes go; descriptors that were duplicated share it. */
  readonly position: { offset: number };
  readonly appends: boolean;
}

type Descriptors = Map<number, Open>;

const PROC = /^\/proc\/(?:self|thread-self|\d+)\/fd\/(\d+)(?:\/|$)/;
const SECOND = 1_000_000_000n;
const STANDARD_OUTPUT = 1;

/** Turns the calls of processes into operations on the folders that count. */
export class Tracer {
  readonly disk: LiveDisk;
  readonly operations: Operation[] = [];
  readonly #before: Recording['before'];
  readonly #roots: readonly string[];
  /** By thread: threads of a process share one. */
  readonly #processes = new Map<number, Descriptors>();
  #nextInode: Inode;

  constructor(before: Recording['before'], roots: readonly string[]) {
    this.#before = before;
    this.#roots = roots;
    this.disk = new LiveDisk(before);
    this.#nextInode = Math.max(0, ...before.items.keys()) + 1;
  }

  get recording(): Recording {
    return { before: this.#before, operations: this.operations };
  }

  take(call: Call): void {
    const { name, args, result } = call;
    if (result < 0) return;
    const open = this.#descriptors(call.thread);
    const path = (folder: number, at: number) => this.#resolve(open, args[folder], bytesOf(args[at]));
    const here = (at: number) => this.#resolve(open, undefined, bytesOf(args[at]));
    switch (name) {
      case 'clone':
      case 'clone3':
      case 'fork':
      case 'vfork':
        this.#processes.set(result, /CLONE_FILES/.test(args.join()) ? open : new Map(open));
        return;
      case 'open':
      case 'creat':
        this.#open(
          open,
          result,
          here(0),
          name === 'creat' ? 'O_CREAT|O_TRUNC' : args[1]!,
          args[name === 'creat' ? 1 : 2],
        );
        return;
      case 'openat':
        this.#open(open, result, path(0, 1), args[2]!, args[3]);
        return;
      case 'dup':
      case 'dup2':
      case 'dup3':
      case 'fcntl':
        if (name !== 'fcntl' || args[1]!.startsWith('F_DUPFD')) this.#duplicate(open, descriptorOf(args[0])!, result);
        return;
      case 'mkdir':
        this.#make(here(0), 'folder', args[1]);
        return;
      case 'mkdirat':
        this.#make(path(0, 1), 'folder', args[2]);
        return;
      case 'mknodat':
        this.#make(path(0, 1), 'fifo', args[2]!.replace(/^.*\|/, ''));
        return;
      case 'symlink':
        this.#make(here(1), 'symlink', undefined, bytesOf(args[0]));
        return;
      case 'symlinkat':
        this.#make(path(1, 2), 'symlink', undefined, bytesOf(args[0]));
        return;
      case 'link':
        this.#link(here(0), here(1));
        return;
      case 'linkat':
        this.#link(path(0, 1), path(2, 3));
        return;
      case 'rename':
        this.#rename(here(0), here(1));
        return;
      case 'renameat':
      case 'renameat2':
        this.#rename(path(0, 1), path(2, 3));
        return;
      case 'unlink':
      case 'rmdir':
        this.#remove(here(0));
        return;
      case 'unlinkat':
        this.#remove(path(0, 1));
        return;
      case 'write':
      case 'writev':
        this.#write(call, open, name === 'write' ? bytesOf(args[1])! : vectorOf(args[1]!));
        return;
      case 'pwrite64':
        this.#put(open.get(descriptorOf(args[0])!), Number(args[3]), bytesOf(args[1])!.subarray(0, result));
        return;
      case 'pwritev':
        this.#put(open.get(descriptorOf(args[0])!), Number(args[3]), vectorOf(args[1]!).subarray(0, result));
        return;
      case 'ftruncate':
        this.#resize(open.get(descriptorOf(args[0])!)?.inode, Number(args[1]));
        return;
      case 'truncate':
        this.#resize(this.#inodeAt(here(0)), Number(args[1]));
        return;
      case 'copy_file_range':
        this.#copy(open, args, result);
        return;
      case 'sendfile':
        this.#copy(open, [args[1]!, args[2]!, args[0]!, 'NULL'], result);
        return;
      case 'fsync':
      case 'fdatasync': {
        const inode = open.get(descriptorOf(args[0])!)?.inode;
        if (inode !== undefined) this.#add({ type: 'sync', inode, dataOnly: name === 'fdatasync' });
        return;
      }
      case 'syncfs': {
        const inode = open.get(descriptorOf(args[0])!)?.inode;
        if (inode !== undefined) this.#add({ type: 'sync-volume', volume: this.disk.items.get(inode)!.made.volume });
        return;
      }
      case 'sync':
        for (const volume of new Set([...this.disk.items.values()].map(({ made }) => made.volume)))
          this.#add({ type: 'sync-volume', volume });
        return;
      case 'chmod':
        this.#change(this.#inodeAt(here(0)), { mode: octal(args[1]!) });
        return;
      case 'fchmod':
        this.#change(open.get(descriptorOf(args[0])!)?.inode, { mode: octal(args[1]!) });
        return;
      case 'fchmodat':
        this.#change(this.#inodeAt(path(0, 1)), { mode: octal(args[2]!) });
        return;
      case 'chown':
      case 'lchown':
        this.#change(this.#inodeAt(here(0)), owner(args[1]!, args[2]!));
        return;
      case 'fchown':
        this.#change(open.get(descriptorOf(args[0])!)?.inode, owner(args[1]!, args[2]!));
        return;
      case 'fchownat':
        this.#change(this.#inodeAt(path(0, 1)), owner(args[2]!, args[3]!));
        return;
      case 'utimensat':
        this.#change(this.#timed(open, args), { mtimeNs: secondTime(args[2]!) });
        return;
      case 'setxattr':
      case 'lsetxattr':
        this.#xattr(this.#inodeAt(here(0)), bytesOf(args[1])!, bytesOf(args[2])!);
        return;
      case 'fsetxattr':
        this.#xattr(open.get(descriptorOf(args[0])!)?.inode, bytesOf(args[1])!, bytesOf(args[2])!);
        return;
      case 'fremovexattr':
        this.#xattr(open.get(descriptorOf(args[0])!)?.inode, bytesOf(args[1])!, undefined);
        return;
      default:
    }
  }

  /** Whether a call that succeeded has a descriptor of ours, or a path, among its arguments. */
  concerns({ thread, args, result }: Call): boolean {
    const open = this.#descriptors(thread);
    const isOurs = (arg: string) => open.has(descriptorOf(arg) ?? -1) || this.#absolute(`${bytesOf(arg) ?? ''}`);
    return result >= 0 && args.some(isOurs);
  }

  #add(operation: Operation): void {
    this.operations.push(operation);
    this.disk.apply(operation);
  }

  #descriptors(thread: number): Descriptors {
    let known = this.#processes.get(thread);
    if (!known) {
      known = new Map();
      this.#processes.set(thread, known);
    }
    return known;
  }

  /** Where a path leads: a name in a folder that counts, or an inode that is open. Undefined outside. */
  #resolve(open: Descriptors, folder: string | undefined, path: Buffer | undefined): Place | undefined {
    const text = path?.toString('latin1') ?? '';
    const proc = PROC.exec(text);
    if (proc) {
      const inode = open.get(Number(proc[1]))?.inode;
      return inode === undefined ? undefined : this.#below(inode, text.slice(proc[0].length));
    }
    if (text.startsWith('/')) return this.#absolute(text);
    const descriptor = descriptorOf(folder);
    if (descriptor !== undefined) {
      const inode = open.get(descriptor)?.inode;
      return inode === undefined ? undefined : this.#below(inode, text);
    }
    const base = pathBehind(folder);
    return base && this.#absolute(`${base.toString('latin1')}/${text}`);
  }

  #absolute(path: string): Place | undefined {
    for (const [index, root] of this.#roots.entries()) {
      if (path === root || path.startsWith(`${root}/`)) {
        return this.#below(this.disk.roots[index]!, path.slice(root.length + 1));
      }
    }
    return undefined;
  }

  #below(inode: Inode, path: string): Place | undefined {
    const names = path.split('/').filter((name) => name !== '' && name !== '.');
    const last = names.pop();
    if (last === undefined) return { inode };
    let folder: Inode | undefined = inode;
    for (const name of names) folder = folder === undefined ? undefined : this.disk.at(folder, name);
    return folder === undefined ? undefined : { at: { folder, name: last } };
  }

  #inodeAt(place: Place | undefined): Inode | undefined {
    if (!place) return undefined;
    return 'inode' in place ? place.inode : this.disk.at(place.at.folder, place.at.name);
  }

  #open(
    open: Descriptors,
    descriptor: number,
    place: Place | undefined,
    flags: string,
    mode: string | undefined,
  ): void {
    open.delete(descriptor);
    if (!place) return;
    if (/O_TMPFILE/.test(flags)) throw new Error('O_TMPFILE is not modelled');
    let inode = this.#inodeAt(place);
    if (inode === undefined && 'at' in place && /O_CREAT/.test(flags)) inode = this.#make(place, 'file', mode);
    if (inode === undefined) return;
    const isFile = this.disk.items.get(inode)!.made.kind === 'file';
    if (/O_TRUNC/.test(flags) && isFile && this.disk.items.get(inode)!.data.length > 0) this.#resize(inode, 0);
    open.set(descriptor, { inode, position: { offset: 0 }, appends: /O_APPEND/.test(flags) });
  }

  #duplicate(open: Descriptors, from: number, to: number): void {
    const found = open.get(from);
    if (found) open.set(to, found);
    else open.delete(to);
  }

  #make(place: Place | undefined, kind: Kind, mode: string | undefined, target?: Buffer): Inode | undefined {
    if (!place || !('at' in place)) return undefined;
    const inode = this.#nextInode++;
    const { volume } = this.disk.items.get(place.at.folder)!.made;
    const bits = mode === undefined ? 0o777 : octal(mode) & ~process.umask();
    this.#add({
      type: 'make',
      at: place.at,
      inode,
      made: { kind, volume, target: target ?? emptyBytes },
      metadata: { mode: bits, uid: 0, gid: 0, mtimeNs: undefined, xattrs: {} },
    });
    return inode;
  }

  #link(from: Place | undefined, to: Place | undefined): void {
    const inode = this.#inodeAt(from);
    if (inode !== undefined && to && 'at' in to) this.#add({ type: 'link', at: to.at, inode });
  }

  #rename(from: Place | undefined, to: Place | undefined): void {
    if (!from && !to) return;
    if (!from || !to || !('at' in from) || !('at' in to))
      throw new Error('a rename leads out of the folders that count');
    const inode = this.#inodeAt(from);
    if (inode === undefined) throw new Error(`a rename of what is not known: ${from.at.name}`);
    const there = this.#inodeAt(to);
    // Two names of one file: POSIX says that nothing is done.
    if (there === inode) return;
    this.#add({ type: 'rename', from: from.at, to: to.at, inode, over: there !== undefined });
  }

  #remove(place: Place | undefined): void {
    if (place && 'at' in place) this.#add({ type: 'remove', at: place.at });
  }

  #write({ args, result }: Call, open: Descriptors, bytes: Buffer): void {
    const descriptor = descriptorOf(args[0])!;
    const file = open.get(descriptor);
    if (!file) {
      if (descriptor === STANDARD_OUTPUT) this.#add({ type: 'said', text: bytes.subarray(0, result).toString('utf8') });
      return;
    }
    const offset = file.appends ? this.disk.items.get(file.inode)!.data.length : file.position.offset;
    this.#put(file, offset, bytes.subarray(0, result));
    file.position.offset = offset + result;
  }

  #put(file: Open | undefined, offset: number, bytes: Buffer): void {
    if (file && bytes.length > 0) this.#add({ type: 'write', inode: file.inode, offset, bytes });
  }

  #resize(inode: Inode | undefined, size: number): void {
    if (inode !== undefined) this.#add({ type: 'resize', inode, size });
  }

  #copy(open: Descriptors, args: readonly string[], count: number): void {
    const from = open.get(descriptorOf(args[0])!);
    const to = open.get(descriptorOf(args[2])!);
    if (!to || count === 0) return;
    const data = from ? this.disk.items.get(from.inode)!.data : readFileSync(pathBehind(args[0])!);
    const place = (file: Open | undefined, arg: string) => {
      const own = /\[(\d+)\]/.exec(arg)?.[1];
      if (own !== undefined) return Number(own);
      const offset = file?.position.offset ?? 0;
      if (file) file.position.offset += count;
      return offset;
    };
    const at = place(from, args[1]!);
    this.#put(to, place(to, args[3]!), Buffer.from(data.subarray(at, at + count)));
  }

  #timed(open: Descriptors, args: readonly string[]): Inode | undefined {
    if (args[1] === 'NULL') return open.get(descriptorOf(args[0])!)?.inode;
    return this.#inodeAt(this.#resolve(open, args[0], bytesOf(args[1])));
  }

  #change(inode: Inode | undefined, change: Partial<Metadata>): void {
    if (inode === undefined) return;
    this.#add({ type: 'metadata', inode, metadata: { ...this.disk.items.get(inode)!.metadata, ...change } });
  }

  #xattr(inode: Inode | undefined, name: Buffer, value: Buffer | undefined): void {
    if (inode === undefined) return;
    const { [name.toString('latin1')]: _, ...others } = this.disk.items.get(inode)!.metadata.xattrs;
    this.#change(inode, { xattrs: value ? { ...others, [name.toString('latin1')]: value } : others });
  }
}

type Place = { readonly at: Name } | { readonly inode: Inode };

const octal = (text: string) => Number.parseInt(text.replace(/^.*\|/, ''), 8) & 0o7777;

function owner(uid: string, gid: string): Partial<Metadata> {
  return { ...(uid === '-1' ? {} : { uid: Number(uid) }), ...(gid === '-1' ? {} : { gid: Number(gid) }) };
}

/** The second of two times; undefined for now. */
function secondTime(text: string): bigint | undefined {
  const second = [...text.matchAll(/\{tv_sec=(-?\d+), tv_nsec=(\d+)\}/g)].at(-1);
  return second && BigInt(second[1]!) * SECOND + BigInt(second[2]!);
}
