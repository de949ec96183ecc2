import { defineArea } from '../base/define-area.ts';
import type { System } from '../base/system.ts';
import type { Problem } from '../base/types.ts';
import { captureAccounts } from './capture.ts';
import { checkAccounts } from './check.ts';
import { ACCOUNT_FILES } from './edit-files.ts';
import { planAccounts } from './plan.ts';
import { type AccountsContent, accountsSchema } from './schema.ts';
import { validateAccounts } from './validate.ts';

export { type OwnerTable, ownersFor, ownersOf } from './owners.ts';
export type { AccountsContent } from './schema.ts';

/** Local people: accounts with their passwords, groups, and who is in which. */
export const accountsArea = defineArea<AccountsContent>({
  name: 'accounts',
  version: 1,
  schema: accountsSchema,
  writes: ACCOUNT_FILES.flatMap((path) => [path, `${path}-`]),
  capture: captureAccounts,
  plan: planAccounts,
  check: checkAccounts,
  validate: validateAccounts,
  activate: forgetNames,
});

/** nscd keeps names and ids for minutes; where it runs, it is told. */
function forgetNames(system: System): readonly Problem[] {
  if (system.facts('/run/nscd/socket') === undefined) return [];
  for (const table of ['passwd', 'group']) system.run('nscd', ['-i', table]);
  return [];
}
