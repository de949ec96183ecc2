import { globPaths } from '../base/glob.ts';
import type { System } from '../base/system.ts';

/** A setting of the environment that tells programs where their licences are. */
export interface Assignment {
  readonly name: string;
  /** Without quotes. */
  readonly value: string;
}

/** Of everybody's environment. */
const SYSTEM_FILES = ['/etc/environment', '/etc/profile.d/*.sh', '/etc/profile.d/*.csh', '/etc/environment.d/*.conf'];
/** Of one person's, beneath the home. */
const HOME_FILES = [
  '/.profile',
  '/.bash_profile',
  '/.bashrc',
  '/.zshrc',
  '/.zshenv',
  '/.cshrc',
  '/.config/environment.d/*.conf',
];
export const VARIABLE_WRITES = [
  '/etc/environment',
  '/etc/profile.d/*.sh',
  '/etc/profile.d/*.csh',
  '/etc/environment.d/*.conf',
];

const ASSIGNMENT =
  /^(\s*(?:export\s+|setenv\s+)?)((?:LM|RLM|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)_LICENSE(?:_FILE|_SERVER)?|ANSYSLMD_LICENSE_FILE|ANSYSLI_SERVERS|LSHOST|LSFORCEHOST)([=\s]\s*)(.*)$/;

/** The setting of a line; undefined where it is none of licences. */
export function assignmentOf(line: string): Assignment | undefined {
  const [, before = '', name, equals = '', value] = ASSIGNMENT.exec(line) ?? [];
  if (name === undefined || value === undefined) return undefined;
  if (before.includes('setenv') ? equals.includes('=') : !equals.startsWith('=')) return undefined;
  const bare = value.replace(/;?\s*$/, '').replace(/^(["'])(.*)\1$/, '$2');
  // A key itself is none of our business: only what names a server or a file.
  const isPlace = /@|^\/|:\//.test(bare) || name.startsWith('LS') || name === 'ANSYSLI_SERVERS';
  return isPlace && bare.length <= 4000 ? { name, value: bare } : undefined;
}

export const assignmentsIn = (text: string): Assignment[] =>
  text.split('\n').flatMap((line) => assignmentOf(line) ?? []);

/** Files in which such settings stand, and that are there. */
export const variableFiles = (system: System): string[] =>
  SYSTEM_FILES.flatMap((pattern) => globPaths(system, pattern, 500));

export const homeVariableFiles = (system: System, home: string): string[] =>
  /[*?{}]/.test(home) ? [] : HOME_FILES.flatMap((pattern) => globPaths(system, `${home}${pattern}`, 100));
