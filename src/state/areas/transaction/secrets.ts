import { matchesPath } from '../base/path-patterns.ts';

/** Files that hold secrets as a rule: of these a person is told how much changes, never what. */
const SECRET = [
  '/etc/shadow*',
  '/etc/gshadow*',
  '/etc/NetworkManager/system-connections/**',
  '/etc/netplan/**',
  '/etc/wpa_supplicant/**',
  '/etc/ppp/**',
  '/etc/swanctl/**',
  '/etc/ipsec.secrets',
  '/etc/apt/auth.conf',
  '/etc/apt/auth.conf.d/**',
  '/etc/cups/printers.conf*',
  '/etc/cups/classes.conf*',
  '/etc/cups/ssl/**',
  '/etc/ssl/private/**',
  '/etc/ssh/ssh_host_*_key',
  '/etc/krb5.keytab',
  '/etc/cryptsetup-keys.d/**',
] as const;

/** Who becomes root and who reaches this machine: no secrets, and a person must see every word before he allows it. */
const OPEN = [
  '/etc/sudoers',
  '/etc/sudoers.d/**',
  '/etc/polkit-1/**',
  '/var/lib/polkit-1/**',
  '/etc/ufw/**',
  '/etc/nftables.conf',
  '/etc/iptables/**',
  '/etc/firewalld/**',
] as const;

/**
 * What root runs, or goes by: a person must see it, and a word such as "password" in it must not hide it from him. Only a value
 * that cannot be a command is left out.
 */
const JUDGED = [
  '/etc/cron*',
  '/etc/cron.*/**',
  '/var/spool/cron/**',
  '/etc/systemd/**',
  '/etc/udev/**',
  '/etc/init.d/**',
  '/etc/rc.local',
  '/etc/profile*',
  '/etc/profile.d/**',
  '/etc/bash*',
  '/etc/environment*',
  '/etc/ld.so*',
  '/etc/apt/**',
  '/etc/fstab',
  '/etc/crypttab',
  '/etc/hosts',
  '/etc/resolv.conf',
  '/etc/network/**',
  '/etc/NetworkManager/*.conf',
  '/etc/NetworkManager/conf.d/**',
  '/etc/NetworkManager/dispatcher.d/**',
  '/etc/networkd-dispatcher/**',
  '/etc/wireguard/**',
  '/etc/openvpn/**',
  '/etc/ssh/sshd_config*',
  '/etc/ssh/sshd_config.d/**',
  '/etc/security/**',
  '/etc/fail2ban/**',
  '/etc/X11/**',
  '/etc/skel/**',
  '/etc/default/**',
  '/etc/modprobe.d/**',
  '/etc/sysctl*',
  '/usr/local/**',
] as const;

const SECRET_WORD =
  /pass(word|phrase|wd)|secret|token|\bpsk\b|wep-key|(private|pre-?shared|api|access)[-_ ]?key|credential|:\/\/[^/\s:@]*:[^/\s@]+@|\$(1|2[abxy]?|5|6|7|y|gy|sha1)\$[^$]/i;
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY/;
/** No blank, quote or sign by which a shell would run something. */
const VALUE =
  /((?:pass(?:word|phrase|wd)?|secret|token|psk|key|credentials?)\w*["']?\s*[=:]\s*["']?)[\w.,+/@%^~!?*#-]+/gi;
/** In a table of mounts the comma ends a value, and what follows decides who may do what: a person must see it. */
const MOUNT_VALUE = /(\b(?:pass(?:word|wd)?\d?|secret|token|key)=)[^,\s]+/gi;
/** A line of a key as PEM and OpenVPN write it; no path, and too long for a command. */
const KEY_LINE = /^(?:[A-Za-z0-9+=][A-Za-z0-9+/=]{39,99}|[0-9a-f]{32,64})$/;
/** ifupdown has no sign between a name and its value. */
const INTERFACE_VALUE = /^(\s*(?:wpa-[a-z-]*(?:psk|passw(?:or)?d|pin)|wpa-wep-key|wireless-key)\d*\s+)\S+/gi;
/** OpenVPN has passwords and keys in the file itself, between such lines. */
const INLINE = /^\s*<(\/?)(?:auth-user-pass|http-proxy-user-pass|key|pkcs12|secret|tls-auth|tls-crypt(?:-v2)?)>/;
/** One word: a command of OpenVPN that does something has a blank before what it is about, and quotes may stand for one. */
const ONE_WORD = /^[^\s"'\\]+\s*$/;
/** No text has it. */
const HIDDEN = '\0';
const USER_IN_ADDRESS = /:\/\/[\w.%+-]*:[^/\s@$`;|&()]+@/g;

const isAmong = (patterns: readonly string[], path: string) => patterns.some((one) => matchesPath(one, path));

/** Whether nothing of a file's content may be shown. `modes`: of what is there and of what will be. */
export function isSecretFile(path: string, modes: readonly number[], texts: readonly string[]): boolean {
  if (isAmong(OPEN, path)) return false;
  if (isAmong(SECRET, path)) return true;
  if (isAmong(JUDGED, path)) return false;
  return (
    texts.some((text) => PRIVATE_KEY.test(text)) ||
    modes.some((mode) => (mode & 0o004) === 0) ||
    texts.some((text) => SECRET_WORD.test(text))
  );
}

/** Lines of a text, those that must not be shown marked for `withoutSecrets`: what stands around them tells which. */
export function markSecrets(path: string, lines: readonly string[]): string[] {
  if (!isAmong(['/etc/openvpn/**'], path)) return [...lines];
  let isInside = false;
  return lines.map((line) => {
    const [found, closes] = INLINE.exec(line) ?? [];
    if (found !== undefined) isInside = closes === '';
    return isInside && found === undefined && ONE_WORD.test(line) ? `${HIDDEN}${line}` : line;
  });
}

/** A line of a file that may be shown, without what looks like a secret in it. */
export function withoutSecrets(path: string, line: string): string {
  if (line.startsWith(HIDDEN)) return '(not shown)';
  if (isAmong(OPEN, path)) return line;
  if (path === '/etc/fstab') return line.replaceAll(MOUNT_VALUE, '$1(not shown)');
  if (KEY_LINE.test(line)) return '(not shown)';
  const shown = isAmong(['/etc/network/**'], path) ? line.replaceAll(INTERFACE_VALUE, '$1(not shown)') : line;
  return shown.replaceAll(VALUE, '$1(not shown)').replaceAll(USER_IN_ADDRESS, '://(not shown)@');
}
