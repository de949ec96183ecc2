import { z } from 'zod';
import { AREA_ITEMS_MAX } from '../../../common/limits.ts';
import { configFiles, plainPath } from '../base/config-file.ts';
import { isUnitName } from './unit-file.ts';

const unitName = z.string().max(255).refine(isUnitName, 'a unit’s name');

export const servicesContent = z.strictObject({
  /** Units, drop-ins, and scripts of the old way that no package brought. */
  files: configFiles,
  /** Units that do not stand as their preset says, and those of `files`; as osquery's `systemd_units` names things. */
  units: z
    .array(
      z.strictObject({
        id: unitName,
        unit_file_state: z.enum(['enabled', 'disabled', 'masked']),
        /** The package that brought it, where one did. */
        package: z
          .string()
          .max(200)
          .regex(/^[a-z0-9][a-z0-9+.-]*$/)
          .optional(),
      }),
    )
    .max(AREA_ITEMS_MAX),
  /** Links of run levels to scripts of `files`, as `rc2.d/S01name`. */
  runLevels: z.array(z.string().regex(/^rc[0-6S]\.d\/[SK]\d\d[\w.-]+$/)).max(AREA_ITEMS_MAX),
  /** What the machine starts into, where somebody chose it. */
  defaultTarget: unitName.optional(),
  /** Units of people, which come with their homes. */
  userUnits: z.array(z.strictObject({ home: plainPath, path: plainPath })).max(AREA_ITEMS_MAX),
});
export type ServicesContent = z.infer<typeof servicesContent>;
