import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { damaged } from '../../format/damaged.ts';
import { PRIVILEGED_EFFECTS, type PrivilegedEffect } from '../base/types.ts';

const isEffect = (text: string): text is PrivilegedEffect => Object.hasOwn(PRIVILEGED_EFFECTS, text);

const areaProblems = z
  .array(z.object({ area: z.string(), problems: z.array(z.object({ what: z.string(), why: z.string() })) }))
  .default([]);

/** What the areas of a restore wrote down of themselves, as far as a checklist needs it: `areas/outcome.json`. */
const outcomeFile = z.object({
  wish: z.object({
    root: z.string().startsWith('/'),
    areas: z.array(z.string()),
    asked: z.array(z.string()).default([]),
    identity: z.enum(['same', 'new']),
  }),
  /** See `ownersOf`. */
  owners: z.unknown(),
  items: z.array(
    z.object({
      area: z.string(),
      id: z.string(),
      title: z.string(),
      action: z.enum(['add', 'replace', 'merge', 'remove', 'same', 'keep', 'withhold', 'ask']),
      detail: z.string(),
      effect: z.string().refine(isEffect).optional(),
    }),
  ),
  status: z.enum(['staged', 'applying', 'applied', 'rolled-back', 'undone']),
  result: z
    .object({
      /** Taken back, since the machine was not right with them. */
      failed: areaProblems,
      /** In place, and the running machine did not take notice. */
      notWoken: areaProblems,
    })
    .optional(),
});
export type OutcomeFile = z.infer<typeof outcomeFile>;

/** Throws `damaged`. `folder`: the restore's own one for areas. */
export function readOutcome(folder: string): OutcomeFile {
  try {
    return outcomeFile.parse(JSON.parse(readFileSync(join(folder, 'outcome.json'), 'utf8')));
  } catch (error) {
    throw damaged(`what the restore wrote down of its areas in ${folder} cannot be read`, error);
  }
}
