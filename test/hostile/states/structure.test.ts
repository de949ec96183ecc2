import { STRUCTURE } from './cases/structure.ts';
import { testAll } from './support/test-all.ts';

testAll(STRUCTURE, new URL('./cases/structure.ts', import.meta.url));
