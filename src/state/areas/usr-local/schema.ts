import { z } from 'zod';
import { UNOWNED_NAMES_MAX, UNOWNED_ROOTS_MAX } from '../../../common/limits.ts';
import { isPlainPath } from '../base/change.ts';

/** Where an administrator puts what no package brings. */
export const TOPS = ['/usr/local', '/opt', '/home/local', '/srv'] as const;

export const isCustomPath = (path: string): boolean =>
  isPlainPath(path) && TOPS.some((top) => path === top || path.startsWith(`${top}/`));

const id = z.number().int().min(0).max(0xffff_fffe);

const place = z.strictObject({
  path: z.string().refine(isCustomPath, `beneath ${TOPS.join(', ')}`),
  kind: z.enum(['file', 'folder', 'link']),
  mode: z.number().int().min(0).max(0o7777),
  uid: id,
  gid: id,
  /** Names in it, two deep; of a folder with very many, the first. */
  names: z.array(z.string().min(1).max(520)).max(UNOWNED_NAMES_MAX),
});
export type Place = z.infer<typeof place>;

export const usrLocalSchema = z.strictObject({ places: z.array(place).max(UNOWNED_ROOTS_MAX) });
export type UsrLocalContent = z.infer<typeof usrLocalSchema>;
