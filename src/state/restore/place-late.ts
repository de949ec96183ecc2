import type { BigIntStats } from 'node:fs';
import { ResettleError } from '../../common/errors.ts';
import { failpoint } from '../../common/failpoint.ts';
import { damaged } from '../format/damaged.ts';
import type { SpecialEntry } from '../format/entry.ts';
import {
  close,
  createFile,
  linkHandle,
  makeDevice,
  makeFifo,
  makeSymlink,
  openHandle,
  openToRead,
  readLink,
  removeFile,
  rename,
  statOf,
  xattrsOf,
} from '../fs/calls.ts';
import { codeOf, reasonOf, SystemCallError } from '../fs/errno.ts';
import { throwIfStopped } from '../threads/stop.ts';
import { copyContent } from './copy-file.ts';
import type { PlacerParts } from './file-placer.ts';
import type { Placing } from './in-place.ts';
import { timesMatch } from './keeps.ts';
import type { LateItem, LateList } from './late-list.ts';
import { type LinkInode, PARKED } from './link-inodes.ts';
import { concernsOneItem } from './losses.ts';
import type { Place } from './places.ts';
import { statIfThere } from './present.ts';
import { isSameSpecial } from './same-special.ts';
import { tmpName } from './tmp-name.ts';

/** What a file system answers that has no hard links, has too many of one file, or is another one. */
const NO_LINK = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV', 'EACCES']);

/** Makes links of both kinds, FIFOs and device nodes: after every file, before the folders get their final mode. */
export function placeLate(list: LateList, parts: PlacerParts, onItem: () => void): void {
  for (const item of list.read()) {
    throwIfStopped();
    attempt(item, parts);
    onItem();
  }
}

function attempt(item: LateItem, parts: PlacerParts): void {
  const { tree, losses, tally } = parts;
  const shown = () => tree.show(item.folder, item.name);
  if (tree.folders.isLost(item.folder)) {
    losses.add(shown, 'not restored: its folder was not made');
    return;
  }
  try {
    if (item.kind === 'hardlink') placeHardlink(item, parts);
    else placeNode(item, parts);
    tally.add(item.kind, 0);
  } catch (error) {
    if (error instanceof ResettleError) throw error;
    if (!concernsOneItem(codeOf(error))) {
      throw new ResettleError('failed', `cannot restore ${shown()}: ${reasonOf(error)}`, {
        hint: 'mend that and run the same restore again: it goes on where it stopped',
        cause: error,
      });
    }
    const what = item.kind === 'symlink' ? 'not restored, a symbolic link' : 'not restored';
    losses.add(shown, `${what}: ${reasonOf(error)}`);
  }
}

const placeOf = (item: LateItem, { places, tree }: PlacerParts): Place => places.at(tree.folders.place(item.folder));

const placingOf = (item: LateItem, keeps: Place['keeps']): Placing => ({
  folder: item.folder,
  name: item.name,
  action: item.placing,
  decision: item.decision,
  looksOurs: (stats) => isKind(stats, item.kind) && timesMatch(stats.mtimeNs, item.mtimeNs, keeps),
});

function isKind(stats: BigIntStats, kind: LateItem['kind']): boolean {
  switch (kind) {
    case 'symlink':
      return stats.isSymbolicLink();
    case 'hardlink':
      return stats.isFile();
    case 'fifo':
      return stats.isFIFO();
    case 'character':
      return stats.isCharacterDevice();
    case 'block':
      return stats.isBlockDevice();
  }
}

/** A symbolic link, a FIFO, a device node. */
function placeNode(item: LateItem, parts: PlacerParts): void {
  const { inPlace, setter, extras, tree } = parts;
  const { tmp, keeps } = placeOf(item, parts);
  const placing = placingOf(item, keeps);
  if (inPlace.mayHoldOurs(placing) && isInPlace(item, parts)) return;
  const name = tmpName(item.entry);
  try {
    makeAgain(tmp, name, () => makeNode(item, tmp, name));
  } catch (error) {
    // Some drivers answer so to a kind of item that they do not know.
    if (codeOf(error) === 'EIO' && takesFiles(tmp, name)) throw new SystemCallError('mknod', 'ENOTSUP');
    throw error;
  }
  const shown = () => tree.show(item.folder, item.name);
  try {
    const isLink = item.kind === 'symlink';
    setter.item(tmp, name, item, extras.get(item.extrasAt), { keeps, isLink }, shown);
    failpoint('restore.node-made');
    inPlace.put(tmp, name, placing);
  } catch (error) {
    if (concernsOneItem(codeOf(error))) removeFile(tmp, name);
    throw error;
  }
}

function makeNode(item: LateItem, tmp: number, name: Uint8Array): void {
  if (item.kind === 'symlink') makeSymlink(item.target, tmp, name);
  else if (item.kind === 'fifo') makeFifo(tmp, name);
  else makeDevice(tmp, name, item.kind === 'block' ? 'block' : 'character', item.major, item.minor);
}

/** Whether the disk works, as far as a new file tells. */
function takesFiles(tmp: number, name: Uint8Array): boolean {
  try {
    // The driver may have made a file instead.
    makeAgain(tmp, name, () => close(createFile(tmp, name)));
    removeFile(tmp, name);
    return true;
  } catch {
    return false;
  }
}

/** What an earlier run left of that name goes. */
function makeAgain(tmp: number, name: Uint8Array, make: () => void): void {
  try {
    make();
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    removeFile(tmp, name);
    make();
  }
}

function isInPlace(item: LateItem, parts: PlacerParts): boolean {
  const { tree, inPlace, setter } = parts;
  const folder = tree.open(item.folder);
  const name = inPlace.nameOf(item);
  const stats = statIfThere(folder, name);
  if (!stats || !isKind(stats, item.kind) || !setter.matches(stats, item, placeOf(item, parts).keeps)) return false;
  if (item.kind === 'symlink') return readLink(folder, name).equals(item.target);
  return isSameSpecial(stats, { ...item, kind: item.kind as SpecialEntry['kind'] });
}

function placeHardlink(item: LateItem, parts: PlacerParts): void {
  const inode = parts.inodes.get(item.group);
  // Its file was given up, and listed.
  if (!inode) throw Object.assign(new Error('the file that it is a name of was not restored'), { code: 'ENOTSUP' });
  if (isLinked(item, inode, parts)) return;
  try {
    link(item, inode, parts);
  } catch (error) {
    if (!NO_LINK.has(codeOf(error) ?? '')) throw error;
    copy(item, inode, parts);
    parts.losses.add(
      () => parts.tree.show(item.folder, item.name),
      'restored as a copy: the target takes no hard link there',
    );
  }
}

function isLinked(item: LateItem, { dev, ino }: LinkInode, { tree, inPlace }: PlacerParts): boolean {
  if (!tree.target.resumed) return false;
  const stats = statIfThere(tree.open(item.folder), inPlace.nameOf(item));
  return stats?.dev === dev && stats.ino === ino;
}

const folderOf = ({ folder }: LinkInode, { tree, places }: PlacerParts) =>
  folder === PARKED ? places.at(0).tmp : tree.open(folder);

/** The very inode that this run made or verified: nobody put another in its place since. */
function check(fd: number, { dev, ino }: LinkInode): void {
  const stats = statOf(fd);
  if (stats.dev !== dev || stats.ino !== ino) {
    throw damaged('a file was exchanged while the restore was running');
  }
}

function link(item: LateItem, inode: LinkInode, parts: PlacerParts): void {
  const { inPlace } = parts;
  const { tmp, keeps } = placeOf(item, parts);
  const handle = openHandle(folderOf(inode, parts), inode.name);
  try {
    check(handle, inode);
    inPlace.make(placingOf(item, keeps), {
      fresh: (folder, name) => linkHandle(handle, folder, name),
      over(folder, name) {
        const unfinished = tmpName(item.entry);
        makeAgain(tmp, unfinished, () => linkHandle(handle, tmp, unfinished));
        rename(tmp, unfinished, folder, name);
      },
    });
  } finally {
    close(handle);
  }
}

/** Where there are no hard links a copy has its content, its owner, its mode and its time. */
function copy(item: LateItem, inode: LinkInode, parts: PlacerParts): void {
  const { inPlace, setter } = parts;
  const { tmp, keeps } = placeOf(item, parts);
  const name = tmpName(item.entry);
  const from = openToRead(folderOf(inode, parts), inode.name);
  try {
    check(from, inode);
    let to: number | undefined;
    makeAgain(tmp, name, () => {
      to = createFile(tmp, name);
    });
    try {
      copyContent(from, to!);
      const shown = () => parts.tree.show(item.folder, item.name);
      setter.file(to!, item, { xattrs: xattrsOf(from), flags: 0 }, keeps, shown);
    } finally {
      close(to!);
    }
  } finally {
    close(from);
  }
  inPlace.put(tmp, name, placingOf(item, keeps));
}
