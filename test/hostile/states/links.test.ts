import { LINKS } from './cases/links.ts';
import { testAll } from './support/test-all.ts';

testAll(LINKS, new URL('./cases/links.ts', import.meta.url));
