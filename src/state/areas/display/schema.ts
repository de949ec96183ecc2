import { z } from 'zod';
import { AREA_ITEMS_MAX, DISPLAY_ICON_MAX_BYTES, DISPLAY_VALUES_MAX } from '../../../common/limits.ts';
import { configFile, configFiles, plainPath } from '../base/config-file.ts';
import { isXorgFile } from './xorg.ts';

const shown = z
  .string()
  .max(200)
  .regex(/^[^\p{Cc}]*$/u);
const userName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/);
const sessionName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,100}$/);
const coordinate = z.number().min(-100_000).max(100_000);

/** How somebody has a monitor, by its identity. */
export const monitor = z.strictObject({
  vendor: shown,
  product: shown,
  serial: shown,
  connector: shown,
  rotation: z.enum(['normal', 'left', 'right', 'upside_down']),
  width: coordinate.optional(),
  height: coordinate.optional(),
  rateHz: coordinate.optional(),
  scale: coordinate.optional(),
  x: coordinate.optional(),
  y: coordinate.optional(),
  isPrimary: z.boolean(),
});
export type Monitor = z.infer<typeof monitor>;

/** A wish about blanking, locking or sleeping, as its file has it. */
export const timeout = z.strictObject({ name: z.string().regex(/^[a-z0-9-]+\/[\w./-]{1,100}$/i), value: shown });
export type Timeout = z.infer<typeof timeout>;

export const session = z.strictObject({
  session: sessionName.optional(),
  xsession: sessionName.optional(),
  /** A picture beneath the home. */
  iconPath: plainPath.regex(/^\P{Cc}*$/u).optional(),
  /** A picture that the accounts service keeps. */
  icon: z
    .base64()
    .max(DISPLAY_ICON_MAX_BYTES * 2)
    .optional(),
});
export type Session = z.infer<typeof session>;

export const personDisplay = z.strictObject({
  name: userName,
  home: plainPath,
  session: session.optional(),
  monitors: z.array(monitor).max(DISPLAY_VALUES_MAX),
  timeouts: z.array(timeout).max(DISPLAY_VALUES_MAX),
  /** Scripts of the home that set monitors by the names of their plugs. */
  scripts: z
    .array(
      z
        .string()
        .regex(/^[\w .-]+(\/[\w .-]+){0,5}$/)
        .refine((path) => !path.split('/').includes('..')),
    )
    .max(DISPLAY_VALUES_MAX),
});
export type PersonDisplay = z.infer<typeof personDisplay>;

export const displaySchema = z.strictObject({
  people: z.array(personDisplay).max(AREA_ITEMS_MAX),
  /** monitors.xml of the login screen of GNOME. */
  loginScreen: configFile.optional(),
  xorg: configFiles.refine((files) => files.every(({ path }) => isXorgFile(path)), 'files of xorg'),
});
export type Display = z.infer<typeof displaySchema>;
