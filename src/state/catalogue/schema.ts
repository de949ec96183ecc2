import { z } from 'zod';

/**
 * A path of a rule: `~/…` beneath every home, or absolute. `*` stands for any characters of one name, `**` for any folders.
 * A pattern means what it names and all beneath it.
 */
const pattern = z
  .string()
  .max(1024)
  .regex(/^(~|\/)(\/|$)|^\/[^/]/, 'a path begins with ~/ or /')
  .refine((text) => !text.split('/').some((name) => name === '.' || name === '..'), 'no . or ..')
  .refine((text) => text.length > 1 && !/\/\/|\/$/.test(text), 'no empty name in it, no / at its end, and not / alone');
const patterns = z.array(pattern).max(500).default([]);
/** Outside of homes what is taken is looked up, not searched for. */
const includePattern = pattern.refine((text) => text.startsWith('~') || !text.includes('**'), 'no ** outside of homes');
const word = z.string().regex(/^[a-z0-9][a-z0-9.+-]*$/);

/** What is done with a file beside copying it. */
const TREATMENTS = ['plain', 'database', 'keyring', 'licence', 'cache'] as const;

/** One application or system component: one YAML file of the catalogue. */
export const catalogueRule = z.strictObject({
  /** As the file is called. */
  id: word,
  name: z.string().min(1).max(80),
  /** `general`: rules that hold for everybody, such as caches; it has no `detect`. */
  kind: z.enum(['application', 'component', 'general']).default('application'),
  category: z.enum([
    'office',
    'internet',
    'graphics',
    'media',
    'science',
    'development',
    'system',
    'database',
    'games',
  ]),
  /** It is there where one of these is. */
  detect: patterns,
  /** Debian packages that bring it. */
  packages: z.array(word).max(50).default([]),
  flatpak: z.array(z.string().max(200)).max(20).default([]),
  snap: z.array(word).max(20).default([]),
  /** Taken. Beneath homes everything is taken that nothing excludes; outside of them only what a rule includes. */
  include: z.array(includePattern).max(500).default([]),
  /** Not taken: can be made again, or belongs to this machine. */
  exclude: patterns,
  /** Not taken, whatever else says so: locks, sockets, what is bound to the machine. */
  never: patterns,
  treat: z
    .array(z.strictObject({ path: pattern, as: z.enum(TREATMENTS) }))
    .max(100)
    .default([]),
  /** Programs that must not run while its files are put in place, as `/proc/PID/comm` shows them (15 characters). */
  'close-before': z.array(z.string().min(1).max(15)).max(20).default([]),
  /** Ids of rules that are carried together or not at all: a browser and the keyring that its passwords are sealed with. */
  'one-unit-with': z.array(word).max(10).default([]),
  /** A running server's data is not copied: what a person does to take it along. */
  dump: z.strictObject({ process: z.string().min(1).max(15), advice: z.string().min(1).max(400) }).optional(),
  /** What a person has to do or know afterwards; stands in the checklist. */
  note: z.string().max(400).optional(),
});
export type CatalogueRule = z.output<typeof catalogueRule>;

/** What a rule must find and what not: `test/fixtures/catalogue/ID.yaml`. Paths with contents; `~` is a home of the fixture. */
export const catalogueFixture = z.strictObject({
  found: z.record(z.string(), z.string().nullable()),
  'not-found': z.record(z.string(), z.string().nullable()),
  /** Of `found`: taken, and not taken. */
  takes: z.array(z.string()).default([]),
  leaves: z.array(z.string()).default([]),
});
