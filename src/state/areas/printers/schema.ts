import { z } from 'zod';
import { AREA_ITEMS_MAX, PRINT_OPTIONS_MAX, PRINT_QUEUES_MAX } from '../../../common/limits.ts';
import { configFile } from '../base/config-file.ts';

/** One line of a file of cupsd's: no control characters, no blanks around it, as long as cupsd reads. */
export const confValue = z
  .string()
  .max(1000)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  .regex(/^(?!\s)[^\u0000-\u001f\u007f\u2028\u2029]*(?<!\s)$/, 'one line, no blanks around it');
/** As cupsd takes it. */
const queueName = z
  .string()
  .regex(/^[^\s/\\?'"#<>\p{Cc}]+$/u, 'a queue’s name')
  .refine((name) => Buffer.byteLength(name) <= 127 && name !== '.' && name !== '..', 'a queue’s name');
const uuid = z.string().regex(/^urn:uuid:[0-9a-fA-F-]{36}$/);

/** What is carried beside the fields of their own, in the order in which cupsd writes it. */
export const SETTINGS = [
  'AuthInfoRequired',
  'Info',
  'Location',
  'GeoLocation',
  'MakeModel',
  'Organization',
  'OrganizationalUnit',
  'PortMonitor',
  'JobSheets',
  'QuotaPeriod',
  'PageLimit',
  'KLimit',
  'AllowUser',
  'DenyUser',
  'OpPolicy',
  'ErrorPolicy',
  'Option',
] as const;
export type SettingName = (typeof SETTINGS)[number];

const setting = z.strictObject({ name: z.enum(SETTINGS), value: confValue });
export type Setting = z.infer<typeof setting>;

/** What a printer and a class have both. */
const queue = {
  name: queueName,
  uuid: uuid.optional(),
  isDefault: z.boolean(),
  isEnabled: z.boolean(),
  isAccepting: z.boolean(),
  isShared: z.boolean(),
  settings: z.array(setting).max(1000),
};

/** A program that the source had and that a queue needs: a filter or a backend, and the package that brought it. */
const program = z.strictObject({
  kind: z.enum(['filter', 'backend']),
  name: z.string().regex(/^[\w.+-]{1,100}$/),
  package: z
    .string()
    .regex(/^[a-zA-Z0-9][a-zA-Z0-9+._-]{0,99}$/)
    .optional(),
});
export type Program = z.infer<typeof program>;

export const printer = z.strictObject({
  ...queue,
  /** May hold a user and a password. */
  deviceUri: z
    .string()
    .regex(/^[a-z][a-z0-9+.-]*:[\x21-\x7e]*$/i)
    .max(1000),
  /** cupsd's bits of what it can do. */
  type: z.number().int().min(0).max(0xffff_ffff).optional(),
  ppd: configFile.optional(),
  programs: z.array(program).max(100),
});
export type Printer = z.infer<typeof printer>;

export const printClass = z.strictObject({ ...queue, members: z.array(queueName).max(1000) });
export type PrintClass = z.infer<typeof printClass>;

export type Queue = Printer | PrintClass;

/** What everybody's jobs get for a destination, or for an instance of one. */
export const destinationOptions = z.strictObject({
  destination: z.string().regex(/^[^\s#\p{Cc}]{1,300}$/u),
  isDefault: z.boolean(),
  options: confValue,
});
export type DestinationOptions = z.infer<typeof destinationOptions>;

export const printersSchema = z.strictObject({
  printers: z.array(printer).max(PRINT_QUEUES_MAX),
  classes: z.array(printClass).max(PRINT_QUEUES_MAX),
  /** Queues that cups-browsed made: named, not carried. */
  foundByThemselves: z.array(queueName).max(AREA_ITEMS_MAX),
  options: z.array(destinationOptions).max(PRINT_OPTIONS_MAX),
  /** client.conf: which print server is used. */
  client: configFile.optional(),
  /** cupsd.conf and cups-files.conf where they are not as their package made them: shown, not carried. */
  server: z.array(configFile).max(2),
});
export type Printers = z.infer<typeof printersSchema>;
