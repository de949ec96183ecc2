import type { System } from '../base/system.ts';

/** Groups whose members can become root, or read what only root may: why. Also where a group is only made by a restore. */
export const PRIVILEGED_GROUPS: ReadonlyMap<string, string> = new Map(
  Object.entries<string>({
    root: 'it is root’s',
    sudo: 'its members become root by sudo',
    wheel: 'its members become root by sudo or su',
    admin: 'its members become root by sudo on older Ubuntu',
    sudoers: 'its members may become root by sudo',
    adm: 'its members read the logs of the system',
    'systemd-journal': 'its members read the logs of everybody',
    log: 'its members read the logs of the system',
    shadow: 'its members read password hashes',
    disk: 'its members read and write whole disks',
    kmem: 'its members read memory of the kernel',
    mem: 'its members read memory of the kernel',
    tape: 'its members read and write backups',
    backup: 'its members read backups of everybody',
    operator: 'its members read whole disks',
    input: 'its members read every key that is pressed',
    uinput: 'its members press keys for others',
    tty: 'its members write to others’ terminals',
    staff: 'its members change /usr/local, from where root runs programs',
    docker: 'its members become root through containers',
    podman: 'its members become root through containers',
    lxd: 'its members become root through containers',
    incus: 'its members become root through containers',
    'incus-admin': 'its members become root through containers',
    libvirt: 'its members become root through virtual machines',
    'libvirt-qemu': 'its members reach the disks of virtual machines',
    wireshark: 'its members read what passes on the network',
    'ssl-cert': 'its members read private keys',
    ssh_keys: 'its members read the machine’s private keys',
    'www-data': 'it is an account of a service',
    postgres: 'it is an account of a service',
    mysql: 'it is an account of a service',
  }),
);

/** Groups of a desktop that give its person devices and services, and nothing of root's. */
const HARMLESS = new Set(
  (
    'audio avahi bluetooth bumblebee cdrom colord dialout dip fax floppy fuse gamemode games geoclue jackuser kvm lp lpadmin ' +
    'netdev network optical plugdev power pulse pulse-access realtime render rfkill rtkit sambashare saned scanner sgx ' +
    'storage users uucp vboxusers video voice'
  ).split(' '),
);

/** Why membership in a group of the system is a privilege; undefined where it is none. */
export function privilegeOf(group: string, isOfSystem: boolean, named: PrivilegedNames): string | undefined {
  const known = PRIVILEGED_GROUPS.get(group);
  if (known !== undefined) return known;
  if (named.groups.has(group)) return 'this machine’s rules for sudo or polkit name it';
  return !isOfSystem || HARMLESS.has(group) ? undefined : 'nobody knows what its members may do';
}

/** Whom rules of this machine let become root, whether or not they exist yet. */
export interface PrivilegedNames {
  readonly users: ReadonlySet<string>;
  readonly groups: ReadonlySet<string>;
}

/** Read by the letter, too many rather than too few: sudoers, doas and polkit's own rules. */
export function privilegedNames(system: System): PrivilegedNames {
  const inFolder = (folder: string) => system.list(folder).map((name) => `${folder}/${name}`);
  const sudo = ['/etc/sudoers', ...inFolder('/etc/sudoers.d'), '/etc/doas.conf', ...inFolder('/etc/doas.d')];
  const rules = [...inFolder('/etc/polkit-1/rules.d'), ...inFolder('/usr/share/polkit-1/rules.d')];
  const users = new Set<string>();
  const groups = new Set<string>();
  for (const path of sudo) {
    for (const line of system.text(path)?.split('\n') ?? []) {
      if (/^\s*(?:#|Defaults)/u.test(line)) continue;
      for (const [, mark, name] of line.matchAll(/(?<![\w.%:/-])([%:]?)([A-Za-z_][\w.-]*)/gu)) {
        (mark === '' ? users : groups).add(name as string);
      }
    }
  }
  for (const path of rules) {
    for (const [, name] of system.text(path)?.matchAll(/isInGroup\(\s*["']([^"']+)["']/gu) ?? [])
      groups.add(name as string);
    for (const [, name] of system.text(path)?.matchAll(/\.user\s*={2,3}\s*["']([^"']+)["']/gu) ?? [])
      users.add(name as string);
  }
  return { users, groups };
}
