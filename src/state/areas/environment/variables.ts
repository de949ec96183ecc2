import { unquoted } from '../base/assignments.ts';
import type { Variable } from './schema.ts';

export const ENVIRONMENT = '/etc/environment';

const STANDARD_FOLDER = /^(\/usr)?(\/local)?\/s?bin$|^\/usr(\/local)?\/games$|^\/snap\/bin$/;

/** A search path of the folders that every machine has: what an installer writes, nobody's wish. */
export function isStandardPath({ name, value }: Variable): boolean {
  return (
    name === 'PATH' &&
    unquoted(value)
      .split(':')
      .every((folder) => STANDARD_FOLDER.test(folder))
  );
}
