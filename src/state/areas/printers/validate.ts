import type { System } from '../base/system.ts';
import type { Problem } from '../base/types.ts';
import { blocksOf, readQueueFile } from './queue-file.ts';
import { printerOf } from './queues.ts';
import { printer } from './schema.ts';
import { CLASSES, PRINTERS } from './target.ts';

/** Whether cupsd can read what is there by now. Its own `-t` looks at cupsd.conf only, which is never changed. */
export function validatePrinters(system: System): Problem[] {
  const names = new Set<string>();
  return [PRINTERS, CLASSES].flatMap((path): Problem[] => {
    const file = readQueueFile(system.text(path) ?? '');
    const problems = file.problems.map((why) => ({ what: path, why }));
    for (const block of blocksOf(file)) {
      const name = block.name.toLowerCase();
      if (names.has(name)) problems.push({ what: path, why: `the queue ${block.name} is there twice` });
      names.add(name);
      if (block.kind === 'Printer' && !printer.safeParse(printerOf(block)).success) {
        problems.push({ what: path, why: `the queue ${block.name} is broken` });
      }
    }
    return problems;
  });
}
