import { z } from 'zod';
import { ENVIRONMENT_MAX_CHARS, ENVIRONMENT_VALUES_MAX, LOGIN_SHELLS_MAX } from '../../../common/limits.ts';
import { configFiles } from '../base/config-file.ts';
import { effectOfFile } from './whole-files.ts';

/** As localectl takes them. */
export const localeVariable = z.strictObject({
  name: z.string().regex(/^(LANG|LANGUAGE|LC_[A-Z]{1,30})$/),
  value: z.string().regex(/^[A-Za-z0-9_.@:-]{1,100}$/),
});
export type LocaleVariable = z.infer<typeof localeVariable>;

/** A line of locale.gen: name and character set. */
export const generatedLocale = z.string().regex(/^[A-Za-z][A-Za-z0-9_.@-]{0,60} [A-Z][A-Za-z0-9_-]{0,40}$/);
export const timeZone = z.string().regex(/^[A-Za-z][A-Za-z0-9_+-]{0,40}(\/[A-Za-z0-9_+-]{1,40}){0,3}$/);

/** A variable as its line has it, quotes included. */
export const variable = z.strictObject({
  name: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,200}$/),
  value: z
    .string()
    .max(10_000)
    .regex(/^[^\p{Cc}\u2028\u2029]*$/u),
});
export type Variable = z.infer<typeof variable>;

export const shellPath = z
  .string()
  .regex(/^(\/[A-Za-z0-9_.+-]{1,100}){1,20}$/)
  .refine((path) => !/\/\.{1,2}(\/|$)/.test(path));

export const environmentSchema = z.strictObject({
  /** Of /etc/default/locale or /etc/locale.conf. */
  locale: z.array(localeVariable).max(100),
  generatedLocales: z.array(generatedLocale).max(ENVIRONMENT_VALUES_MAX),
  timeZone: timeZone.optional(),
  /** Of /etc/environment. */
  variables: z
    .array(variable)
    .max(ENVIRONMENT_VALUES_MAX)
    .refine((all) => all.reduce((sum, { value }) => sum + value.length, 0) <= ENVIRONMENT_MAX_CHARS, 'at most 64 KiB'),
  /** Login shells that /etc/shells has and the packages that come with the base system do not add. */
  shells: z.array(shellPath).max(LOGIN_SHELLS_MAX),
  /** Whole files that no package owns or that are other than its own. */
  files: configFiles.refine(
    (files) => files.every(({ path }) => effectOfFile(path) !== undefined),
    'files of this area',
  ),
});
export type Environment = z.infer<typeof environmentSchema>;
