import { compareTrees } from '../test/support/compare-trees.ts';
import { findProgram, run } from './run.ts';

/** What rsync says where only the time of the top folder differs: a restore's target is made by whoever asks for it. */
const TOP_FOLDER = /^\.d\S* \.\/$/;
const TOP_FOLDER_COMPARED = /^\. /;

/**
 * How a restored folder differs from the data, one sentence an item; empty when it does not. rsync judges contents, types,
 * modes, owners, times, links of both kinds, ACLs and attributes; without rsync a comparison that knows neither of the two last.
 */
export async function differences(data: string, restored: string): Promise<string[]> {
  if (findProgram('rsync') === undefined) {
    return compareTrees(data, restored).differences.filter((line) => !TOP_FOLDER_COMPARED.test(line));
  }
  const judge = ['-aHAXS', '--checksum', '--dry-run', '--itemize-changes', '--delete'];
  const said = await run('rsync', [...judge, `${data}/`, `${restored}/`]);
  return said.split('\n').filter((line) => line !== '' && !TOP_FOLDER.test(line));
}
