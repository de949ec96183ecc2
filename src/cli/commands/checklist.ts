import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type Context, callAgentOrHere } from '../context.ts';

interface ChecklistFlags {
  html?: string;
  all?: boolean;
}

export function describeChecklist(command: Command): Command {
  return command
    .description('look at what a restore left: expected, found, verdict and how it is known, item by item')
    .argument('[RESTORE]', 'the id that the restore printed (default: the newest that was not undone)')
    .option('--html <F>', 'write it as one page to keep and to print, too')
    .option('--all', 'show items that are as they were, too')
    .addHelpText(
      'after',
      `
Verdicts: as it was, changed (as it has to be here), needs you, withheld or left out (with the reason), failed.
Ends with 1 where an item failed, with 3 where one needs a person or was withheld. Nothing is changed.

Examples:
  resettle checklist
  resettle checklist --html checklist.html
  resettle checklist 20260131-235959123-0a1b2c3d --all`,
    );
}

/** Returns the exit status: 1 where an item failed, 3 where one needs a person or was withheld. */
export async function runChecklist(
  context: Context,
  restore: string | undefined,
  flags: ChecklistFlags,
): Promise<number> {
  const { output } = context;
  const { checkPage, writePage } = await import('../page-file.ts');
  const { checklistHtml, checklistLines, exitStatusOf, ToldChecklist } = await import('../../api/checklist.ts');
  const page = flags.html === undefined ? undefined : resolve(flags.html);
  if (page !== undefined) checkPage(page);
  const told = new ToldChecklist();
  const done = await callAgentOrHere(context, 'checklist', restore === undefined ? {} : { restore }, (event) => {
    if (!told.add(event) || output.json) output.event(event);
  });
  const checklist = told.end(done);
  if (page !== undefined) {
    writePage(page, checklistHtml(checklist));
    output.message(`written to ${page}`);
  }
  const lines = checklistLines(checklist, { all: flags.all === true || context.verbose, ...output.page });
  output.done(page === undefined ? done : { ...done, html: page }, lines);
  return exitStatusOf(checklist.counts);
}
