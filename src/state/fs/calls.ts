import { ResettleError } from '../../common/errors.ts';
import type { FileCalls } from './file-calls.ts';
import { linuxCalls } from './linux.ts';
import { portableCalls } from './portable.ts';

export type FileCallsKind = 'linux' | 'portable';

let kind: FileCallsKind = process.platform === 'linux' ? 'linux' : 'portable';
let calls: FileCalls = kind === 'linux' ? linuxCalls : portableCalls;

/**
 * Chooses what does this thread's file calls, before the first of them: numbers that one implementation gave mean nothing
 * to the other. Throws `failed` for `linux` on another platform.
 */
export function useFileCalls(wanted: FileCallsKind): void {
  if (wanted === 'linux' && process.platform !== 'linux') {
    throw new ResettleError('failed', `the file calls of Linux are not there on ${process.platform}`, {
      hint: 'use the portable ones',
    });
  }
  kind = wanted;
  calls = wanted === 'linux' ? linuxCalls : portableCalls;
}

export const fileCallsKind = (): FileCallsKind => kind;

/** The calls of `FileCalls`, which says what each does, by the implementation of this thread. */
export const openFolder: FileCalls['openFolder'] = (folder, name) => calls.openFolder(folder, name);
export const openFolderAt: FileCalls['openFolderAt'] = (path) => calls.openFolderAt(path);
export const openToRead: FileCalls['openToRead'] = (folder, name) => calls.openToRead(folder, name);
export const openToWrite: FileCalls['openToWrite'] = (folder, name) => calls.openToWrite(folder, name);
export const createFile: FileCalls['createFile'] = (folder, name) => calls.createFile(folder, name);
export const openHandle: FileCalls['openHandle'] = (folder, name) => calls.openHandle(folder, name);
export const close: FileCalls['close'] = (fd) => calls.close(fd);
export const namesIn: FileCalls['namesIn'] = (folder) => calls.namesIn(folder);
export const statOf: FileCalls['statOf'] = (fd) => calls.statOf(fd);
export const statOfItem: FileCalls['statOfItem'] = (folder, name) => calls.statOfItem(folder, name);
export const readLink: FileCalls['readLink'] = (folder, name) => calls.readLink(folder, name);
export const pathOfFolder: FileCalls['pathOfFolder'] = (folder) => calls.pathOfFolder(folder);
export const makeFolder: FileCalls['makeFolder'] = (folder, name) => calls.makeFolder(folder, name);
export const makeSymlink: FileCalls['makeSymlink'] = (target, folder, name) => calls.makeSymlink(target, folder, name);
export const makeFifo: FileCalls['makeFifo'] = (folder, name) => calls.makeFifo(folder, name);
export const makeDevice: FileCalls['makeDevice'] = (folder, name, kind, major, minor) =>
  calls.makeDevice(folder, name, kind, major, minor);
export const deviceOf: FileCalls['deviceOf'] = (stats) => calls.deviceOf(stats);
export const linkHandle: FileCalls['linkHandle'] = (handle, folder, name) => calls.linkHandle(handle, folder, name);
export const linkItem: FileCalls['linkItem'] = (fromFolder, from, toFolder, to) =>
  calls.linkItem(fromFolder, from, toFolder, to);
export const rename: FileCalls['rename'] = (fromFolder, from, toFolder, to) =>
  calls.rename(fromFolder, from, toFolder, to);
export const renameNew: FileCalls['renameNew'] = (fromFolder, from, toFolder, to) =>
  calls.renameNew(fromFolder, from, toFolder, to);
export const removeFile: FileCalls['removeFile'] = (folder, name) => calls.removeFile(folder, name);
export const removeFolder: FileCalls['removeFolder'] = (folder, name) => calls.removeFolder(folder, name);
export const setMode: FileCalls['setMode'] = (fd, mode) => calls.setMode(fd, mode);
export const setModeOfHandle: FileCalls['setModeOfHandle'] = (handle, mode) => calls.setModeOfHandle(handle, mode);
export const setOwner: FileCalls['setOwner'] = (fd, uid, gid) => calls.setOwner(fd, uid, gid);
export const setOwnerOfLink: FileCalls['setOwnerOfLink'] = (folder, name, uid, gid) =>
  calls.setOwnerOfLink(folder, name, uid, gid);
export const setTime: FileCalls['setTime'] = (fd, mtimeNs) => calls.setTime(fd, mtimeNs);
export const setTimeOfLink: FileCalls['setTimeOfLink'] = (folder, name, mtimeNs) =>
  calls.setTimeOfLink(folder, name, mtimeNs);
export const sameTime: FileCalls['sameTime'] = (a, b) => calls.sameTime(a, b);
export const xattrsOf: FileCalls['xattrsOf'] = (fd) => calls.xattrsOf(fd);
export const xattrsOfItem: FileCalls['xattrsOfItem'] = (folder, name) => calls.xattrsOfItem(folder, name);
export const setXattr: FileCalls['setXattr'] = (fd, name, value) => calls.setXattr(fd, name, value);
export const setXattrOfItem: FileCalls['setXattrOfItem'] = (folder, name, attribute, value) =>
  calls.setXattrOfItem(folder, name, attribute, value);
export const removeXattr: FileCalls['removeXattr'] = (fd, name) => calls.removeXattr(fd, name);
export const flagsOf: FileCalls['flagsOf'] = (fd, device) => calls.flagsOf(fd, device);
export const setFlags: FileCalls['setFlags'] = (fd, flags) => calls.setFlags(fd, flags);
export const nextData: FileCalls['nextData'] = (fd, offset) => calls.nextData(fd, offset);
export const nextHole: FileCalls['nextHole'] = (fd, offset) => calls.nextHole(fd, offset);
export const syncFolder: FileCalls['syncFolder'] = (folder) => calls.syncFolder(folder);
export const syncFileSystem: FileCalls['syncFileSystem'] = (folder) => calls.syncFileSystem(folder);
export const holdLock: FileCalls['holdLock'] = (path) => calls.holdLock(path);
export const losses: FileCalls['losses'] = () => calls.losses();
