/** Roots of small machines in folders: enough of a Debian for every area to have something, made without its packages. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

interface File {
  readonly content: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

const SYSTEM_USERS = ['root:x:0:0:root:/root:/bin/bash', 'daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin'];
const SYSTEM_GROUPS = ['root:x:0:', 'daemon:x:1:', 'sudo:x:27:', 'audio:x:29:', 'shadow:x:42:', 'crontab:x:105:'];

export interface Person {
  readonly name: string;
  readonly id: number;
}

/** A root with these people, whose passwords are `secret-NAME` as SHA-512 hashes. */
export function makeMachine(root: string, hostname: string, people: readonly Person[]): void {
  const line = (fields: readonly (string | number)[]) => fields.join(':');
  put(root, '/etc/hostname', `${hostname}\n`);
  put(root, '/etc/hosts', `127.0.0.1\tlocalhost\n127.0.1.1\t${hostname}\n`);
  put(root, '/etc/os-release', 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n');
  put(root, '/etc/login.defs', 'UID_MIN 1000\nUID_MAX 60000\nGID_MIN 1000\nGID_MAX 60000\n');
  put(root, '/etc/shells', '/bin/sh\n/bin/bash\n');
  for (const shell of ['sh', 'bash']) put(root, `/bin/${shell}`, { content: '', mode: 0o755 });
  const own = (of: (person: Person) => string): string[] => people.map(of);
  const text = (lines: readonly string[]) => `${lines.join('\n')}\n`;
  const passwd = own(({ name, id }) => line([name, 'x', id, id, '', `/home/${name}`, '/bin/bash']));
  put(root, '/etc/passwd', text([...SYSTEM_USERS, ...passwd]));
  put(root, '/etc/group', text([...SYSTEM_GROUPS, ...own(({ name, id }) => line([name, 'x', id, '']))]));
  const shadow = own(({ name }) => line([name, hashOf(`secret-${name}`), 20000, 0, 99999, 7, '', '', '']));
  const locked = ['root', 'daemon'].map((name) => line([name, '*', 20000, 0, 99999, 7, '', '', '']));
  put(root, '/etc/shadow', { content: text([...locked, ...shadow]), mode: 0o640, gid: 42 });
  const gshadow = [...SYSTEM_GROUPS.map((one) => one.split(':')[0]!), ...own(({ name }) => name)];
  put(root, '/etc/gshadow', { content: text(gshadow.map((name) => `${name}:!::`)), mode: 0o640, gid: 42 });
  for (const { name, id } of people) {
    put(root, `/home/${name}/`, { content: '', uid: id, gid: id, mode: 0o755 });
  }
  for (const zone of ['Etc/UTC', 'Europe/Berlin']) put(root, `/usr/share/zoneinfo/${zone}`, `TZif ${zone}`);
  link(root, '/etc/localtime', '/usr/share/zoneinfo/Etc/UTC');
  put(root, '/etc/timezone', 'Etc/UTC\n');
  for (const folder of ['/etc/NetworkManager/system-connections/', '/etc/cron.d/', '/usr/local/bin/', '/var/mail/']) {
    put(root, folder, { content: '', mode: 0o755 });
  }
  put(root, '/var/spool/cron/crontabs/', { content: '', mode: 0o1730, gid: 105 });
}

/** What `openssl passwd -6` makes of a password, with a salt of its own. */
export const hashOf = (password: string): string =>
  execFileSync('openssl', ['passwd', '-6', '-salt', 'testsalt', password], { encoding: 'utf8' }).trim();

/** A path that ends in `/` is a folder. */
export function put(root: string, path: string, file: string | File): void {
  const { content, mode = 0o644, uid = 0, gid = 0 } = typeof file === 'string' ? { content: file } : file;
  const at = join(root, path);
  mkdirSync(path.endsWith('/') ? at : dirname(at), { recursive: true });
  if (!path.endsWith('/')) writeFileSync(at, content);
  chownSync(at, uid, gid);
  chmodSync(at, mode);
}

export function link(root: string, path: string, target: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  symlinkSync(target, join(root, path));
}
