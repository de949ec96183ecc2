/** Published cases of programs of our kind. Each is a state of the tables that has its number, or stands here with where it is tried, or why we have nothing like it. */
export interface Published {
  readonly cve: string;
  readonly program: 'GNU tar' | 'node-tar' | 'rsync' | 'borg' | 'croc' | 'magic-wormhole';
  /** A file of tests where the same attack is tried in another way. */
  readonly triedIn?: string;
  /** Why it has no counterpart. */
  readonly none?: string;
}

const of = (
  program: Published['program'],
  ...all: readonly (string | readonly [string, Omit<Published, 'cve' | 'program'>])[]
) =>
  all.map((one): Published => (typeof one === 'string' ? { program, cve: one } : { program, cve: one[0], ...one[1] }));
const none = (reason: string) => ({ none: reason });
const triedIn = (file: string) => ({ triedIn: file });

export const PUBLISHED: readonly Published[] = [
  ...of(
    'GNU tar',
    'CVE-2001-1267',
    'CVE-2002-0399',
    'CVE-2002-1216',
    'CVE-2006-6097',
    'CVE-2007-4131',
    'CVE-2016-6321',
    ['CVE-2018-20482', none('a file that shrinks while it is read: a capture’s, not a state’s')],
    ['CVE-2019-9923', none('a null pointer in C; what a header lacks is tried as entries without keys')],
    ['CVE-2021-20193', none('a leak of C; what is refused is collected')],
    ['CVE-2022-48303', none('an out-of-bounds read of C; a time of blanks is tried, without the number')],
    'CVE-2025-45582',
  ),
  ...of(
    'node-tar',
    'CVE-2018-20834',
    'CVE-2021-32803',
    'CVE-2021-32804',
    'CVE-2021-37701',
    'CVE-2021-37712',
    'CVE-2021-37713',
    'CVE-2024-28863',
    'CVE-2026-23745',
    'CVE-2026-23950',
    'CVE-2026-24842',
    'CVE-2026-26960',
    'CVE-2026-29786',
    'CVE-2026-31802',
    [
      'CVE-2026-53655',
      none('two readers that differ about one archive: a manifest has one encoding, and a reader refuses any other'),
    ],
  ),
  ...of(
    'rsync',
    ['CVE-2022-29154', triedIn('test/state/receive-hostile.test.ts')],
    'CVE-2024-12084',
    'CVE-2024-12085',
    'CVE-2024-12086',
    'CVE-2024-12087',
    [
      'CVE-2024-12088',
      none('an option that lets some links through: no link is followed, and there is no such option'),
    ],
    ['CVE-2024-12747', triedIn('test/hostile/states/race.test.ts')],
    'CVE-2026-29518',
    ['CVE-2026-43617', none('names of hosts as a right: there are no hosts by name')],
    'CVE-2026-43618',
    ['CVE-2026-43619', triedIn('test/hostile/states/race.test.ts')],
    'CVE-2026-43620',
    ['CVE-2026-45232', none('an answer of an HTTP proxy: none is asked')],
  ),
  ...of(
    'borg',
    'CVE-2016-10099',
    ['CVE-2016-10100', none('two archives of one name: a snapshot is a number, and its file must say the same one')],
    'CVE-2023-36811',
  ),
  ...of(
    'croc',
    'CVE-2023-43616',
    ['CVE-2023-43617', none('a secret that names its room: codes are no names')],
    ['CVE-2023-43618', none('addresses told before anybody is known: a matter of pairing')],
    ['CVE-2023-43619', triedIn('test/areas/hostile/homes.test.ts')],
    'CVE-2023-43620',
    ['CVE-2023-43621', none('a secret in the arguments of a process: none is taken there')],
  ),
  ...of('magic-wormhole', 'CVE-2026-32116', 'CVE-2026-42448'),
];
