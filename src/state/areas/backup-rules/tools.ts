import { alternatives } from '../base/glob.ts';
import { matchesPath } from '../base/path-patterns.ts';
import {
  backInTimeRules,
  borgmaticRules,
  listRules,
  noRules,
  type RuleParser,
  rsnapshotRules,
  timeshiftRules,
  tsmRules,
} from './rules.ts';

interface Place {
  readonly tool: string;
  /** Beneath a home where it begins with `~`. */
  readonly patterns: readonly string[];
  readonly rules: RuleParser;
  /** Patterns and data alone: nothing in it is run, whoever reads it. */
  readonly isList?: boolean;
}

const place = (tool: string, pattern: string, rules: RuleParser, isList = false): Place => ({
  tool,
  patterns: alternatives(pattern),
  rules,
  isList,
});

const LIST = '{*exclude*,*include*,*.excl,*.incl,*.patterns,*.lst}';

/** Where backup programs have what they take and leave; the first that means a path says what it is. */
const PLACES: readonly Place[] = [
  place('IBM Spectrum Protect', '/opt/tivoli/tsm/client/{ba,api}/bin*/{dsm*.sys,dsm*.opt}', tsmRules),
  place('IBM Spectrum Protect', '/opt/tivoli/tsm/client/{ba,api}/bin*/{*incl*,*excl*}', tsmRules, true),
  place('IBM Spectrum Protect', '/etc/{adsm,tsm,dsm}/{*incl*,*excl*}', tsmRules, true),
  place('IBM Spectrum Protect', '/etc/{adsm,tsm,dsm}/{dsm*.sys,dsm*.opt}', tsmRules),
  place('restic', `/etc/restic/{${LIST.slice(1, -1)}}`, listRules, true),
  place('restic', '/etc/{restic/*,restic/*/*,default/restic}', noRules),
  place('borgmatic', '/etc/{borgmatic,borgmatic.d}/{*.yaml,*.yml}', borgmaticRules),
  place('borgmatic', `/etc/borgmatic/${LIST}`, listRules, true),
  place('BorgBackup', `/etc/{borg,borgbackup}/${LIST}`, listRules, true),
  place('BorgBackup', '/etc/{borg,borgbackup}/*', noRules),
  place('Timeshift', '/etc/{timeshift.json,timeshift/*.json}', timeshiftRules, true),
  place('rsnapshot', '/etc/{rsnapshot.conf,rsnapshot.d/*.conf}', rsnapshotRules),
  place('Back In Time', '/etc/backintime/config', backInTimeRules),
  place('duply', '/etc/duply/*/exclude', listRules, true),
  place('duply', '/etc/duply/*/{conf,pre,post}', noRules),
  place('Bacula', '/etc/bacula/bacula-fd.conf', noRules),
  place('Bareos', '/etc/bareos/bareos-fd.d/*/*.conf', noRules),
  place('Amanda', `/etc/amanda/{${LIST.slice(1, -1)}}`, listRules, true),
  place('Amanda', '/etc/{amanda/amanda-client.conf,amanda/*/amanda-client.conf,amandahosts}', noRules),
];

/** In homes, with which they come. */
const HOME_PLACES: readonly Place[] = [
  place('borgmatic', '/.config/{borgmatic,borgmatic.d}/{*.yaml,*.yml}', borgmaticRules),
  place('Back In Time', '/.config/backintime/config', backInTimeRules),
  place('duply', '/.duply/*/exclude', listRules),
  place('restic', `/.config/restic/${LIST}`, listRules),
  place('Vorta', '/.local/share/Vorta/settings.db', noRules),
];

/** Passwords, keys and what a server gave to this machine: never carried. */
const NEVER = /\/(TSM\.(PWD|sth|KDB|IDX)|tsm\.pwd|[^/]*\.(kdb|sth|idx|pem|key|keytab))$/i;

/** Where such things are, to say that they stay. */
export const NEVER_PATTERNS: readonly string[] = [
  '/etc/adsm/*',
  '/opt/tivoli/tsm/client/ba/bin/TSM.*',
  '/opt/tivoli/tsm/client/api/bin64/TSM.*',
];

export const isNever = (path: string): boolean => NEVER.test(path);

export const placeOf = (path: string): Place | undefined =>
  isNever(path) ? undefined : PLACES.find(({ patterns }) => patterns.some((pattern) => matchesPath(pattern, path)));

/** `path`: without the home. */
export const homePlaceOf = (path: string): Place | undefined =>
  HOME_PLACES.find(({ patterns }) => patterns.some((pattern) => matchesPath(pattern, path)));

export const SYSTEM_PATTERNS: readonly string[] = PLACES.flatMap(({ patterns }) => patterns);
export const HOME_PATTERNS: readonly string[] = HOME_PLACES.flatMap(({ patterns }) => patterns);

export const BACKUP_WRITES: readonly string[] = [
  ...SYSTEM_PATTERNS,
  '/opt/tivoli',
  '/opt/tivoli/tsm',
  '/opt/tivoli/tsm/client',
  '/opt/tivoli/tsm/client/*',
  '/opt/tivoli/tsm/client/*/bin*',
  ...['adsm', 'tsm', 'dsm', 'restic', 'restic/*', 'borgmatic', 'borgmatic.d', 'borg', 'borgbackup', 'timeshift'].map(
    (name) => `/etc/${name}`,
  ),
  ...[
    'rsnapshot.d',
    'backintime',
    'duply',
    'duply/*',
    'bacula',
    'bareos',
    'bareos/bareos-fd.d',
    'amanda',
    'amanda/*',
  ].map((name) => `/etc/${name}`),
  '/etc/bareos/bareos-fd.d/*',
];
