import { TAG_BYTES } from './frame-cipher.ts';
import { SALT_BYTES } from './keys.ts';

/** Where things lie in a pack; see docs/FORMAT.md. */
export const PACK_MAGIC = Buffer.from('RSTLPK01', 'ascii');
export const PACK_HEADER_BYTES = PACK_MAGIC.length + SALT_BYTES;
export const HEAD_PLAIN_BYTES = 16;
export const HEAD_BYTES = HEAD_PLAIN_BYTES + TAG_BYTES;
/** The smallest last frame: a head and an empty body. */
export const LAST_FRAME_MIN_BYTES = HEAD_BYTES + TAG_BYTES;

export const COMPRESSION = { none: 0, zstd: 1 } as const;
