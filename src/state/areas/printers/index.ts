/**
 * Printers of CUPS: queues with their drivers' descriptions, classes, the default, options of everybody. A queue is an edit
 * of printers.conf as cupsd itself writes it; the rest of that file stays. Whose printers they are is asked of nobody: the
 * files are what the print server starts from.
 */
import { defineArea } from '../base/define-area.ts';
import { capturePrinters } from './capture.ts';
import { checkPrinters } from './check.ts';
import { planPrinters } from './plan.ts';
import { type Printers, printersSchema } from './schema.ts';
import { CLASSES, CUPS, PRINTERS } from './target.ts';
import { validatePrinters } from './validate.ts';

export const printersArea = defineArea<Printers>({
  name: 'printers',
  version: 1,
  schema: printersSchema,
  writes: [CUPS, PRINTERS, CLASSES, `${CUPS}/ppd`, `${CUPS}/ppd/*.ppd`, `${CUPS}/lpoptions`, `${CUPS}/client.conf`],
  // cupsd keeps its queues in memory and writes them over what is there when it ends.
  stops: ['cups.service', 'cups.socket', 'cups.path'],
  capture: (system) => capturePrinters(system),
  plan: planPrinters,
  check: checkPrinters,
  validate: validatePrinters,
});
