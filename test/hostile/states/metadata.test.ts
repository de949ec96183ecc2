import { METADATA } from './cases/metadata.ts';
import { testAll } from './support/test-all.ts';

testAll(METADATA, new URL('./cases/metadata.ts', import.meta.url));
