/** The name of an entry's unfinished file, in the journal's folder. */
export const tmpName = (entry: number) => Buffer.from(`${entry}`);
