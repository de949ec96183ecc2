/** Every failpoint, each killed at once at least, and what comes after. */
import { folderChain } from '../failpoints/folder-chain.ts';
import { Ledger } from '../failpoints/ledger.ts';
import type { Run, Scenario, Tally } from '../scenario.ts';

async function run(given: Run): Promise<Tally> {
  const ledger = new Ledger(given);
  await folderChain(ledger);
  ledger.checkAll();
  return { failpoints: ledger.killed.size };
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'failpoints',
    about: 'a process is killed at every failpoint, and what follows ends right',
    gateRuns: 0,
    run,
  },
];
