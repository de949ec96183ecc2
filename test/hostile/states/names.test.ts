import { NAMES } from './cases/names.ts';
import { testAll } from './support/test-all.ts';

testAll(NAMES, new URL('./cases/names.ts', import.meta.url));
