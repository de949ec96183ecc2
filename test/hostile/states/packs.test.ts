import { PACKS } from './cases/packs.ts';
import { testAll } from './support/test-all.ts';

testAll(PACKS, new URL('./cases/packs.ts', import.meta.url));
