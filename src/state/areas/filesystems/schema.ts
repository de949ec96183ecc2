import { z } from 'zod';
import { AREA_ITEMS_MAX } from '../../../common/limits.ts';
import { configFiles } from '../base/config-file.ts';
import { isFstabField } from './fstab.ts';

const field = z.string().refine(isFstabField, 'a field of fstab');
const word = z.string().max(255);
const bytes = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const list = <One extends z.ZodType>(one: One) => z.array(one).max(AREA_ITEMS_MAX);

/** A line of fstab, named as osquery's `mounts`. */
export const fstabEntry = z.strictObject({
  device: field,
  path: field,
  type: z.string().regex(/^[\w.,-]{1,100}$/),
  options: z
    .array(z.string().refine((text) => isFstabField(text) && !/^\s|\s$/.test(text), 'an option'))
    .max(200)
    // They stand in one field, with one more that may be added.
    .refine((options) => options.join(',').length <= 4000, 'options of one line'),
  freq: z.number().int().min(0).max(999),
  passno: z.number().int().min(0).max(999),
});

/** A line of crypttab: where a key is, never the key. */
export const cryptEntry = z.strictObject({
  name: field,
  device: field,
  keyFile: z.string().max(4095),
  isBoundToHardware: z.boolean(),
});

/** As osquery's `block_devices`, with where it is mounted. */
export const blockDevice = z.strictObject({
  name: word,
  /** `disk`, `part`, `lvm`, `crypt`, `raid1`, `loop`. */
  kind: word,
  sizeBytes: bytes,
  /** Of the file system on it, where one is. */
  type: word.optional(),
  label: word.optional(),
  uuid: word.optional(),
  /** `group/name` of LVM. */
  volume: word.optional(),
  mountPoint: z.string().max(4096).optional(),
  usedBytes: bytes.optional(),
});
export type BlockDevice = z.infer<typeof blockDevice>;

export const volumeGroup = z.strictObject({
  name: word,
  sizeBytes: bytes,
  freeBytes: bytes,
  disks: z.array(word).max(1000),
});

export const filesystemsContent = z.strictObject({
  fstab: list(fstabEntry),
  devices: list(blockDevice),
  /** LVM's groups of volumes. */
  volumeGroups: list(volumeGroup),
  crypttab: list(cryptEntry),
  /** Files that lines name and that the source lacked too. */
  absentFiles: list(z.string().max(4096)),
  /** Files with the user and password of a share. */
  credentials: configFiles.refine(
    (files) => new Set(files.map(({ path }) => path)).size === files.length,
    'no path more than once',
  ),
});
export type FilesystemsContent = z.infer<typeof filesystemsContent>;
