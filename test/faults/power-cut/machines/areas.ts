/** A machine on which areas are restored, and taken back. Arguments: its folder. */

import { PHASES } from '../../../../src/state/areas/transaction/steps.ts';
import { takeBackLocked } from '../../../../src/state/areas/transaction/take-back.ts';
import { AreasTransaction } from '../../../../src/state/areas/transaction/transaction.ts';
import { say } from '../service.ts';
import { AREAS, placesIn, wishFor } from './areas-machine.ts';

const { root, documents, undoDir } = placesIn(process.argv[2]!);
const transaction = new AreasTransaction(AREAS, documents, wishFor(root));
transaction.begin(undoDir);
say({ begun: 1 });
transaction.applyBefore();
await transaction.applyAfter();
transaction.close();
say({ applied: 1 });
say({ undoing: 1 });
takeBackLocked(AREAS, undoDir, PHASES);
say({ undone: 1 });
