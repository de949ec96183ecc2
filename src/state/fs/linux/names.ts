import { checkComponent, checkPath } from '../component.ts';
import { SystemCallError } from '../errno.ts';

const PATH_MAX_BYTES = 4096;
const NUL = Buffer.of(0);

const first = Buffer.alloc(PATH_MAX_BYTES);
const second = Buffer.alloc(PATH_MAX_BYTES);

function terminateIn(scratch: Buffer, name: Uint8Array): Buffer {
  checkComponent(name);
  if (name.length >= scratch.length) throw new SystemCallError('name', 'ENAMETOOLONG');
  scratch.set(name);
  scratch[name.length] = 0;
  return scratch.subarray(0, name.length + 1);
}

/** The name with a NUL behind it, in memory that the next call uses again. */
export const terminated = (name: Uint8Array) => terminateIn(first, name);

/** The same in other memory, for calls that take two names. */
export const terminatedSecond = (name: Uint8Array) => terminateIn(second, name);

/** Any bytes with a NUL behind them. Throws `EINVAL` where there is one in them. */
export function terminatedCopy(bytes: Uint8Array): Buffer {
  checkPath(bytes);
  return Buffer.concat([bytes, NUL]);
}

/** A path of any open descriptor: what follows it reaches the very inode, a link too. */
export const pathOfDescriptor = (fd: number) => `/proc/self/fd/${fd}`;

let lastFolder = -1;
let lastPrefix = Buffer.alloc(0);

/** Most calls in a row are for one folder. */
function prefixOf(folder: number): Buffer {
  if (folder !== lastFolder) lastPrefix = Buffer.from(`${pathOfDescriptor(folder)}/`);
  lastFolder = folder;
  return lastPrefix;
}

/** A path to an item of an open folder, for calls that know no folders; its last component is the item itself. */
export function pathOfItem(folder: number, name: Uint8Array): Buffer {
  checkComponent(name);
  return Buffer.concat([prefixOf(folder), name]);
}

/** The same with a NUL behind it. */
export function terminatedPathOfItem(folder: number, name: Uint8Array): Buffer {
  checkComponent(name);
  return Buffer.concat([prefixOf(folder), name, NUL]);
}
