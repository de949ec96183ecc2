import type { TestFile } from '../../support/machine.ts';

const OLD_KEYS = 'ssh-ed25519 AAAAowner owner\n';

/** A machine that is in use: bob is a person on it, and administers it. */
export const TARGET: Readonly<Record<string, TestFile>> = {
  '/etc/os-release': 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
  '/etc/hostname': 'new\n',
  '/etc/hosts': '127.0.0.1\tlocalhost\n127.0.1.1\tnew\n',
  '/etc/passwd':
    'root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\nwww-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n' +
    'bob:x:1000:1000:Bob:/home/bob:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n',
  '/etc/shadow': {
    content: 'root:*:19000:0:99999:7:::\nbob:$y$j9T$bob:19000:0:99999:7:::\n',
    mode: 0o640,
    gid: 42,
  },
  '/etc/group': 'root:x:0:\nadm:x:4:bob\nsudo:x:27:bob\nshadow:x:42:\nwww-data:x:33:\nusers:x:100:\nbob:x:1000:\n',
  '/etc/gshadow': { content: 'root:*::\nsudo:*::bob\nbob:!::\n', mode: 0o640, gid: 42 },
  '/etc/subuid': 'bob:100000:65536\n',
  '/etc/subgid': 'bob:100000:65536\n',
  '/etc/login.defs': 'UID_MIN 1000\nUID_MAX 60000\n',
  '/etc/shells': '/bin/sh\n/bin/bash\n',
  '/bin/sh': { content: '#!', mode: 0o755 },
  '/bin/bash': { content: '#!', mode: 0o755 },
  '/etc/sudoers': { content: 'root ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\n', mode: 0o440 },
  '/etc/sudoers.d/': {},
  '/etc/crontab': '17 * * * *\troot\tcd / && run-parts --report /etc/cron.hourly\n',
  '/etc/cron.d/': {},
  '/etc/fstab': 'UUID=1 / ext4 defaults 0 1\n',
  '/etc/environment': '',
  '/etc/profile.d/': {},
  '/etc/NetworkManager/system-connections/': {},
  '/etc/NetworkManager/dispatcher.d/': {},
  '/etc/systemd/system/': {},
  '/etc/udev/rules.d/': {},
  '/etc/apt/sources.list': 'deb https://deb.debian.org/debian bookworm main\n',
  '/etc/cups/': {},
  '/var/lib/AccountsService/': {},
  '/var/spool/cron/crontabs/': { mode: 0o1730 },
  '/var/mail/': { mode: 0o2775, gid: 8 },
  '/var/lib/systemd/': {},
  '/usr/local/bin/': {},
  '/root/': { mode: 0o700 },
  '/root/.bashrc': '# root\n',
  '/home/bob/': { mode: 0o750, uid: 1000, gid: 1000 },
  '/home/bob/.bashrc': { content: '# bob\n', uid: 1000, gid: 1000 },
  '/home/bob/.ssh/': { mode: 0o700, uid: 1000, gid: 1000 },
  '/home/bob/.ssh/known': { content: OLD_KEYS, mode: 0o600, uid: 1000, gid: 1000 },
};

/** The same without a file, or with others. */
export const targetWith = (more: Readonly<Record<string, TestFile>>): Record<string, TestFile> => ({
  ...TARGET,
  ...more,
});

export const HOSTILE_KEY = 'ssh-ed25519 AAAAattacker mallory@elsewhere\n';

/** A user of a document. */
export function person(username: string, uid: number, more: Readonly<Record<string, unknown>> = {}) {
  return {
    ...{ username, uid, gid: uid, description: '', directory: `/home/${username}`, shell: '/bin/bash' },
    ...{ subuids: [], subgids: [], ...more },
  };
}

/** A document of accounts. */
export function accounts(users: readonly ReturnType<typeof person>[], more: Readonly<Record<string, unknown>> = {}) {
  return {
    users,
    groups: users.map(({ username, gid }) => ({ groupname: username, gid, members: [] })),
    ...{ memberships: [], system_users: [], system_groups: [], ...more },
  };
}

export const homeOf = (username: string, uid: number, directory = `/home/${username}`) => ({
  ...{ username, directory, uid, gid: uid, mode: 0o755 },
});

export const personal = (path: string, area = 'homes') => ({ path, area, isPersonal: true });
