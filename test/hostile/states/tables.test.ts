/** The tables of hostile states, each restored into a guarded tree. */
import { EXISTING } from './cases/existing.ts';
import { LINKS } from './cases/links.ts';
import { METADATA } from './cases/metadata.ts';
import { NAMES } from './cases/names.ts';
import { PACKS } from './cases/packs.ts';
import { STRUCTURE } from './cases/structure.ts';
import { testAll } from './support/test-all.ts';

const table = (name: string): URL => new URL(`./cases/${name}.ts`, import.meta.url);

testAll(NAMES, table('names'));
testAll(LINKS, table('links'));
testAll(METADATA, table('metadata'));
testAll(STRUCTURE, table('structure'));
testAll(PACKS, table('packs'));
testAll(EXISTING, table('existing'), { isUndone: true });
