import { z } from 'zod';
import { AREA_ITEMS_MAX } from '../../../common/limits.ts';
import { configFiles } from '../base/config-file.ts';
import { SETTING_FILES } from './setting-files.ts';
import { isUnitLink } from './unit-links.ts';
import { kindOfFile } from './whole-files.ts';

/** A value of files that shells read as root: nothing that a shell would do something with. */
const plainValue = z
  .string()
  .max(300)
  .regex(/^[A-Za-z0-9_,:;.+\-/[\]() ]*$/);

/** The settings of one file, by name. */
export const settings = z
  .strictObject({
    path: z.enum(SETTING_FILES.map(({ path }) => path)),
    values: z.array(z.strictObject({ name: z.string().regex(/^[A-Za-z_]{1,60}$/), value: plainValue })).max(60),
  })
  .refine(({ path, values }) => {
    const names = SETTING_FILES.find((file) => file.path === path)?.names;
    return values.every(({ name }) => names === undefined || names.includes(name));
  }, 'settings of that file');
export type Settings = z.infer<typeof settings>;

/** A link that starts a getty, or that hides one. */
export const unitLink = z
  .strictObject({ path: z.string().max(300), target: z.string().max(300) })
  .refine(isUnitLink, 'a link of a getty');
export type UnitLink = z.infer<typeof unitLink>;

export const ttysSchema = z.strictObject({
  settings: z.array(settings).max(SETTING_FILES.length),
  links: z.array(unitLink).max(AREA_ITEMS_MAX),
  /** Drop-ins and units of gettys, rules for devices, what is shown before a login. */
  files: configFiles.refine((files) => files.every((file) => kindOfFile(file) !== undefined), 'files of this area'),
});
export type Ttys = z.infer<typeof ttysSchema>;
