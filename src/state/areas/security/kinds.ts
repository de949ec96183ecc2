import type { ConfigFile } from '../base/config-file.ts';
import { dpkgOf } from '../base/dpkg.ts';
import { alternatives } from '../base/glob.ts';
import { mapHomes } from '../base/home-paths.ts';
import { matchesPath } from '../base/path-patterns.ts';
import type { System } from '../base/system.ts';
import type { Owners, PrivilegedEffect } from '../base/types.ts';
import {
  type Judge,
  judgeCertificate,
  judgeNothing,
  judgeScript,
  judgeSshd,
  judgeSudoers,
  judgeTables,
} from './judges.ts';
import { mapLimits, mapPolkit, mapSshd, mapSudoers, type NameMapper } from './names-in.ts';

/** What a file of this area decides about, and how it is judged. */
export interface Kind {
  /** As items are called: `sudoers:/etc/sudoers.d/lab`. */
  readonly name: string;
  readonly title: string;
  readonly patterns: readonly string[];
  readonly effect: PrivilegedEffect;
  readonly judge: Judge;
  readonly map: NameMapper;
}

const kind = (
  name: string,
  title: string,
  pattern: string,
  effect: PrivilegedEffect,
  judge: Judge = judgeNothing,
  map: NameMapper = mapHomes,
): Kind => ({ name, title, patterns: alternatives(pattern), effect, judge, map });

/** The first that means a path says what it is. */
const KINDS: readonly Kind[] = [
  kind(
    'certificate',
    'authority that is trusted',
    '/usr/local/share/ca-certificates/{*.crt,*/*.crt}',
    'certificate',
    judgeCertificate,
  ),
  kind('polkit', 'rule of polkit', '/etc/polkit-1/rules.d/*.rules', 'polkit', judgeScript, mapPolkit),
  kind('polkit', 'rule of polkit', '/etc/polkit-1/localauthority/*/*.pkla', 'polkit', judgeNothing, mapPolkit),
  kind('sudoers', 'who may become root', '/etc/{sudoers,sudoers.d/*}', 'sudoers', judgeSudoers, mapSudoers),
  kind('ssh', 'who may log in by ssh', '/etc/ssh/{sshd_config,sshd_config.d/*.conf}', 'root-runs', judgeSshd, mapSshd),
  kind('firewall', 'firewall (ufw)', '/etc/ufw/{before.init,after.init}', 'root-runs'),
  kind(
    'firewall',
    'firewall (ufw)',
    '/etc/ufw/{user,user6,before,before6,after,after6}.rules',
    'firewall',
    judgeTables,
  ),
  kind(
    'firewall',
    'firewall (ufw)',
    '/etc/{default/ufw,ufw/ufw.conf,ufw/sysctl.conf,ufw/applications.d/*}',
    'firewall',
  ),
  kind('firewall', 'firewall (nftables)', '/etc/{nftables.conf,nftables.d/*.nft,nftables/*.nft}', 'firewall'),
  kind('firewall', 'firewall (iptables)', '/etc/iptables/{rules.v4,rules.v6}', 'firewall', judgeTables),
  kind('firewall', 'firewall (firewalld)', '/etc/firewalld/{*.conf,*.xml,*/*.xml}', 'firewall'),
  kind('apparmor', 'profile of AppArmor', '/etc/apparmor.d/local/*', 'root-file'),
  kind('fail2ban', 'fail2ban', '/etc/fail2ban/{action.d/*.local,action.d/*.conf}', 'root-runs'),
  kind('fail2ban', 'fail2ban', '/etc/fail2ban/{*.local,jail.d/*,filter.d/*}', 'firewall'),
  kind('limits', 'limits of people', '/etc/security/limits.d/*.conf', 'root-file', judgeNothing, mapLimits),
];

/** Changes of these are named, and never carried: one wrong line shuts everybody out. */
export const LISTED_PATTERNS: readonly string[] = ['/etc/pam.d/*', '/etc/pam.conf', '/etc/security/*.conf'];

export const PATTERNS: readonly string[] = KINDS.flatMap(({ patterns }) => patterns);

/** Undefined for what this area does not carry; sudo itself passes over names with a dot or a tilde. */
export function kindOf(path: string): Kind | undefined {
  if (/^\/etc\/sudoers\.d\/.*[.~]/.test(path)) return undefined;
  return KINDS.find(({ patterns }) => patterns.some((pattern) => matchesPath(pattern, path)));
}

export const SECURITY_WRITES: readonly string[] = [
  ...PATTERNS,
  ...[
    'sudoers.d',
    'polkit-1',
    'polkit-1/rules.d',
    'ssh',
    'ssh/sshd_config.d',
    'ufw',
    'ufw/applications.d',
    'nftables',
  ].map(inEtc),
  ...[
    'nftables.d',
    'iptables',
    'firewalld',
    'firewalld/*',
    'apparmor.d',
    'apparmor.d/local',
    'fail2ban',
    'fail2ban/*',
  ].map(inEtc),
  ...['polkit-1/localauthority', 'polkit-1/localauthority/*', 'security', 'security/limits.d'].map(inEtc),
  '/usr/local/share/ca-certificates',
  '/usr/local/share/ca-certificates/*',
];

function inEtc(name: string): string {
  return `/etc/${name}`;
}

/** As a package brought it, or made when it was installed: ufw copies its examples, AppArmor makes empty files. */
export function isShipped(system: System, path: string): boolean {
  if (dpkgOf(system).isPristine(path)) return true;
  if (path.startsWith('/etc/apparmor.d/local/') && !/^[^\S\n]*[^#\s]/m.test(system.text(path) ?? 'x')) return true;
  const name = /^\/etc\/ufw\/([\w.]+)$/.exec(path)?.[1];
  const content = name === undefined ? undefined : system.read(path);
  if (name === undefined || !content) return false;
  return [`/usr/share/ufw/${name}`, `/usr/share/ufw/iptables/${name}`].some((from) =>
    system.read(from)?.equals(content),
  );
}

export function mappedFile(file: ConfigFile, { map }: Kind, owners: Owners): ConfigFile {
  if (file.text === undefined) return file;
  const text = map(file.text, owners);
  return text === file.text ? file : { ...file, text };
}
