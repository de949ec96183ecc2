import { EXISTING } from './cases/existing.ts';
import { testAll } from './support/test-all.ts';

testAll(EXISTING, new URL('./cases/existing.ts', import.meta.url));
