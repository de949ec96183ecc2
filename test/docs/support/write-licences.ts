/** Writes the table of licences into docs/DEPENDENCIES.md: `npm run licences`. */
import { writeFileSync } from 'node:fs';
import { BEGIN, END, licenceTable } from './licences.ts';
import { locked, ROOT, readText } from './lockfile.ts';

const page = readText('docs/DEPENDENCIES.md');
const [before, rest] = page.split(BEGIN);
const [, after] = (rest ?? '').split(END);
if (before === undefined || after === undefined) throw new Error('docs/DEPENDENCIES.md has no place for the table');
writeFileSync(`${ROOT}/docs/DEPENDENCIES.md`, `${before}${BEGIN}\n${licenceTable(locked())}\n${END}${after}`);
