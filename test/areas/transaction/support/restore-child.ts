/** `restore-child.ts DOCUMENTS WISH UNDO-DIR`: a restore of areas in a process of its own, by the face. */
import { openAreas } from '../../../../src/state/areas/transaction/index.ts';

const [documents, wish, undoDir] = process.argv.slice(2) as [string, string, string];
const partsModule = new URL('./worker-parts.ts', import.meta.url).href;
const run = await openAreas({ documents, wish: JSON.parse(wish), partsModule });
await run.begin(undoDir);
await run.applyBefore();
await run.applyAfter();
await run.close();
