import { z } from 'zod';
import { AREA_ITEMS_MAX } from '../../../common/limits.ts';
import { configFiles } from '../base/config-file.ts';
import { MANAGERS } from './managers.ts';

const short = z.string().max(200);

export const softwareContent = z.strictObject({
  /** The release's name, `bookworm`; empty where it has none. */
  codename: short,
  /** What somebody asked for, as osquery's `deb_packages`. */
  debPackages: z.array(z.strictObject({ name: short, version: short, isHeld: z.boolean() })).max(AREA_ITEMS_MAX),
  /** Sources of packages, their keys, and which are preferred. */
  sources: configFiles,
  others: z
    .array(
      z.strictObject({
        manager: z.enum(MANAGERS),
        name: short,
        version: short.optional(),
        user: short.optional(),
        origin: short.optional(),
        isClassic: z.boolean().optional(),
      }),
    )
    .max(AREA_ITEMS_MAX),
});
export type SoftwareContent = z.infer<typeof softwareContent>;
