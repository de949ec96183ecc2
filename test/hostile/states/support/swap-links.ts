/**
 * Swaps folders for links to one outside and back, as fast as it can, until its standard input ends; then tells how often.
 * Arguments: the folder outside, and the folders. A restore at work in them is to be led astray.
 */
import { renameSync, symlinkSync, unlinkSync } from 'node:fs';

const [outside, ...folders] = process.argv.slice(2);
let swaps = 0;
let isOver = false;
process.stdin.on('end', () => {
  isOver = true;
});
process.stdin.resume();

/** Whatever goes wrong on the way, the folder has its name again at the end. */
function swap(folder: string): void {
  const away = `${folder}.away`;
  try {
    renameSync(folder, away);
    symlinkSync(outside!, folder);
    swaps += 1;
    unlinkSync(folder);
  } catch {
    // The restore was there at the same moment.
  }
  try {
    renameSync(away, folder);
  } catch {
    // It made one of its own meanwhile: ours stays away.
  }
}

function turn(): void {
  for (let count = 0; count < 50; count++) for (const folder of folders) swap(folder);
  if (!isOver) setImmediate(turn);
  else process.stdout.write(`${swaps}\n`);
}
process.stdout.write('begun\n');
turn();
