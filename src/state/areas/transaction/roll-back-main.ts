/**
 * `roll-back-main.ts FOLDER`: takes a restore back that was not confirmed, where FOLDER is that of the restore. It is a program
 * of its own, started before a machine's network is woken, so that it works where the restore itself has ended or hangs.
 * Exit 0: the machine is as it was, or the restore was confirmed. 1: it could not be, or another one is at work. 2: usage.
 */
import { exitCodeOf, messageOf } from '../../../common/errors.ts';
import { readAreasOutcome } from './outcome.ts';
import { loadParts } from './real-parts.ts';
import { takeBack } from './take-back.ts';

// The second is for tests: a module with parts of their own.
const [undoDir, partsModule, ...more] = process.argv.slice(2);

async function main(): Promise<number> {
  if (undoDir === undefined || more.length > 0) {
    process.stderr.write('usage: roll-back-main.ts FOLDER\n');
    return 2;
  }
  // It was cut short before it could change anything.
  if (!readAreasOutcome(undoDir)) return 0;
  const { kept, notWoken } = takeBack(await loadParts(partsModule), undoDir, 'unfinished');
  for (const { path, reason } of kept.items) process.stderr.write(`${path} ${reason}\n`);
  for (const { area, problems } of notWoken)
    process.stderr.write(`${area}: ${problems.map(({ why }) => why).join('; ')}\n`);
  return 0;
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`${messageOf(error)}\n`);
  return exitCodeOf(error);
});
