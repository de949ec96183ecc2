/** The inode flags of Linux that are worth keeping (`FS_*_FL`); the others say how a file system stores a file. */
export const INODE_FLAG = {
  sync: 0x8,
  immutable: 0x10,
  append: 0x20,
  noDump: 0x40,
  noAtime: 0x80,
  dirSync: 0x1_0000,
  noCow: 0x80_0000,
} as const;

/** All of them, as a mask. */
export const INODE_FLAGS = Object.values(INODE_FLAG).reduce((mask, flag) => mask | flag, 0);
