import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { PEERS, type Peer } from './peers/index.ts';

export const FIGURES = ['point', 'again', 'changed', 'folder', 'size', 'many'] as const;
export type Figure = (typeof FIGURES)[number];

/** What `many` is compared with: the cost of a file among this many. */
export const FEW_FILES = 50_000;

export interface Options {
  readonly figures: ReadonlySet<Figure>;
  readonly peers: readonly Peer[];
  readonly runs: number;
  /** The folder that everything is made in and removed from; a tmpfs, so that no disk decides. */
  readonly work: string;
  /** What to take as the data, copied into the work folder, instead of files of this machine's system. */
  readonly data: string | undefined;
  readonly many: number;
  readonly json: string;
  readonly plot: string;
}

const PROJECT = fileURLToPath(new URL('..', import.meta.url));

export const USAGE = `npm run bench -- [options]
  --only LIST    of ${FIGURES.join(',')} (default: all; many only with --many)
  --peers LIST   of ${PEERS.join(',')} (default: all)
  --runs N       rounds of each contestant, default 3
  --many N       also ${FEW_FILES} and N tiny files (1000000 needs about 11 GB in the work folder)
  --work DIR     where everything is made, default /dev/shm
  --data DIR     a folder to copy as the data, instead of files of /usr
  --json FILE    all figures, default tmp/bench.json
  --plot FILE    a plot of them (SVG), default tmp/bench.svg`;

/** Throws an Error that says what is wrong with them. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      peers: { type: 'string', default: PEERS.join(',') },
      runs: { type: 'string', default: '3' },
      many: { type: 'string' },
      work: { type: 'string', default: '/dev/shm' },
      data: { type: 'string' },
      json: { type: 'string', default: resolve(PROJECT, 'tmp/bench.json') },
      plot: { type: 'string', default: resolve(PROJECT, 'tmp/bench.svg') },
    },
  });
  const many = values.many === undefined ? 0 : count('--many', values.many);
  const figures = new Set(values.only === undefined ? FIGURES : list('--only', values.only, FIGURES));
  if (many === 0 && values.only !== undefined && figures.has('many')) throw new Error('say how many: --many N');
  if (many === 0) figures.delete('many');
  else figures.add('many');
  return {
    figures,
    peers: list('--peers', values.peers, PEERS),
    runs: count('--runs', values.runs),
    work: resolve(values.work),
    data: values.data === undefined ? undefined : resolve(values.data),
    many,
    json: resolve(values.json),
    plot: resolve(values.plot),
  };
}

function list<T extends string>(option: string, text: string, known: readonly T[]): T[] {
  const names = text.split(',').filter((name) => name !== '');
  const unknown = names.find((name) => !known.some((one) => one === name));
  if (unknown !== undefined) throw new Error(`${option} knows ${known.join(', ')}, not ${unknown}`);
  return known.filter((name) => names.includes(name));
}

function count(option: string, text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(`${option} is a whole number from 1, not ${text}`);
  return number;
}
