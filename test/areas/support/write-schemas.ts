/** `npm run schemas`: writes docs/schemas anew. `test/areas/schemas.test.ts` says when that is needed. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SCHEMAS_FOLDER, schemaFiles } from './schemas.ts';

rmSync(SCHEMAS_FOLDER, { recursive: true, force: true });
mkdirSync(SCHEMAS_FOLDER, { recursive: true });
for (const [name, text] of schemaFiles()) writeFileSync(join(SCHEMAS_FOLDER, name), text);
