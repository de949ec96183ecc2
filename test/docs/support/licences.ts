/** The table of licences in docs/DEPENDENCIES.md. */
import { type LockedPackage, nameAt } from './lockfile.ts';

/** Licences that a package of the tree may have. Another one is a decision, and no matter of an update. */
export const LICENCES: ReadonlySet<string> = new Set([
  'MIT',
  'Apache-2.0',
  'Apache-2.0 OR MIT',
  'MIT OR Apache-2.0',
  'ISC',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
]);
/** As many of one licence are named, and more are counted. */
const NAMED_MAX = 10;

export const BEGIN = '<!-- licences: npm run licences -->';
export const END = '<!-- end of licences -->';

export function licenceTable(packages: ReadonlyMap<string, LockedPackage>): string {
  const rows = [...Map.groupBy(packages, ([, { license }]) => license ?? 'none')]
    .sort(([a, as], [b, bs]) => bs.length - as.length || a.localeCompare(b))
    .map(([licence, all]) => {
      const names = [...new Set(all.map(([place]) => nameAt(place)))].sort();
      const dev = all.filter(([, { dev }]) => dev).length;
      return `| ${licence} | ${all.length - dev} | ${dev} | ${names.length > NAMED_MAX ? '' : names.join(', ')} |`;
    });
  return ['| licence | at run time | for development | packages |', '|---|---|---|---|', ...rows].join('\n');
}
