import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

export interface Options {
  readonly runs: number;
  /** As tc writes it; undefined: loopback. */
  readonly link: string | undefined;
  /** Ours takes no part. */
  readonly rateOnly: boolean;
  /** The folder that everything is made in and removed from; a tmpfs, so that no disk decides. */
  readonly work: string;
  /** What to take as the data, copied into the work folder, instead of files of this machine's system. */
  readonly data: string | undefined;
  readonly randomMegabytes: number;
  readonly timeoutMs: number;
  readonly json: string;
}

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const RATE = /^[1-9]\d*[kmg]bit$/;

export const USAGE = `npm run bench:direct -- [options]
  --runs N       rounds of each way to move, default 3; every other one in the opposite order
  --link RATE    over a cable of that rate (1gbit) between two network namespaces, as root; default: loopback
  --rate-only    tar and rsync alone: what this machine and this link can do
  --work DIR     where everything is made, default /dev/shm
  --data DIR     a folder to copy as the data, instead of 50,000 files and 1 GB of /usr
  --random N     megabytes of data that does not compress, in 500 files, for a link; default 1000
  --timeout S    seconds that each command may take, default 300
  --json FILE    all figures, default tmp/bench-direct.json`;

/** Throws an Error that says what is wrong with them. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string', default: '3' },
      link: { type: 'string' },
      'rate-only': { type: 'boolean', default: false },
      work: { type: 'string', default: '/dev/shm' },
      data: { type: 'string' },
      random: { type: 'string', default: '1000' },
      timeout: { type: 'string', default: '300' },
      json: { type: 'string', default: resolve(PROJECT, 'tmp/bench-direct.json') },
    },
  });
  if (values.link !== undefined && !RATE.test(values.link)) {
    throw new Error(`--link is a rate such as 1gbit or 100mbit, not ${values.link}`);
  }
  return {
    runs: count('--runs', values.runs),
    link: values.link,
    rateOnly: values['rate-only'],
    work: resolve(values.work),
    data: values.data === undefined ? undefined : resolve(values.data),
    randomMegabytes: count('--random', values.random),
    timeoutMs: count('--timeout', values.timeout) * 1000,
    json: resolve(values.json),
  };
}

function count(option: string, text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(`${option} is a whole number from 1, not ${text}`);
  return number;
}
