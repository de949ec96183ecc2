import { z } from 'zod';
import {
  APPLICATION_PLACES_MAX,
  APPLICATIONS_MAX,
  APPLICATIONS_UNKNOWN_MAX,
  AREA_ITEMS_MAX,
} from '../../../common/limits.ts';
import { plainPath } from '../base/config-file.ts';

/** For people: one line. */
const line = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^\P{Cc}*$/u, 'one line');
const word = z.string().regex(/^[a-z0-9][a-z0-9.+-]{0,79}$/);
const bytes = z.number().int().min(0);
/** As /proc/PID/comm shows it. */
const program = line(15).min(1);

/** Size of what the rules take of a place. */
const size = z.strictObject({
  bytes,
  files: z.number().int().min(0),
  /** There is more: it was not counted to its end. */
  at_least: z.boolean(),
});
export type Size = z.infer<typeof size>;

/** A file system that data lies on; names as in osquery's `mounts`. */
const volume = z.strictObject({
  path: plainPath.or(z.literal('/')),
  /** Device, or logical volume. */
  device: line(1024),
  type: line(64),
  size_bytes: bytes.optional(),
});
export type Volume = z.infer<typeof volume>;

/** A file or folder that holds data of an application. */
const place = z
  .strictObject({
    path: plainPath,
    /** The home that it lies in, and whose that is; undefined for the machine's own. */
    home: plainPath.optional(),
    username: line(256).optional(),
    size,
    /** Mount point, of `volumes`. */
    volume: z.string().max(4095).optional(),
  })
  .refine(({ path, home }) => home === undefined || path.startsWith(`${home}/`), 'a place of a home lies in it');
export type Place = z.infer<typeof place>;

const packageOf = z.strictObject({ name: line(200).min(1), source: z.enum(['deb', 'flatpak', 'snap']) });
export type Package = z.infer<typeof packageOf>;

const application = z.strictObject({
  id: word,
  name: line(80).min(1),
  category: word,
  /** Those of its packages that were installed. */
  packages: z.array(packageOf).max(200),
  places: z.array(place).max(APPLICATION_PLACES_MAX),
  /** What has to be done with some of its files, as the rule has it. */
  treat: z.array(z.strictObject({ path: line(1024), as: word })).max(100),
  /** It ran while it was captured. */
  is_running: z.boolean(),
  close_before: z.array(program).max(20),
  /** Of a server whose data cannot be put in place while it runs. */
  server_process: program.optional(),
  /** Why its data is not carried, and what to do about it. */
  left_out: line(1000).optional(),
  /** Ids of applications of this document that are carried together with it or not at all. */
  one_unit_with: z.array(word).max(10),
  note: line(400).optional(),
});
export type Application = z.infer<typeof application>;

/** A folder of settings or data in a home that no rule knows. */
const unknown = z.strictObject({ path: plainPath, home: plainPath, username: line(256), size });
export type UnknownFolder = z.infer<typeof unknown>;

/** What GNOME programs keep in a person's dconf database: keys with values as GVariant texts. */
const settings = z.strictObject({
  username: line(256),
  home: plainPath,
  keys: z.record(z.string().max(1024), z.string().max(65_536)),
});
export type Settings = z.infer<typeof settings>;

export const applicationsSchema = z.strictObject({
  applications: z.array(application).max(APPLICATIONS_MAX),
  volumes: z.array(volume).max(AREA_ITEMS_MAX),
  /** Carried whole, since nobody wrote a rule. */
  unknown: z.array(unknown).max(APPLICATIONS_UNKNOWN_MAX),
  settings: z.array(settings).max(AREA_ITEMS_MAX),
  /** Rules of the captured machine's own were among those that decided: others may find less of the same files. */
  own_rules: z.boolean().optional(),
});
export type ApplicationsContent = z.infer<typeof applicationsSchema>;
