import type { System } from '../base/system.ts';

/** What the password field of shadow says, without the hash. */
export interface PasswordKind {
  /** For people: `yescrypt`, `SHA-512`, `none`. */
  readonly name: string;
  /** Somebody can log in with a password. */
  readonly isUsable: boolean;
  /** Guessed soon by today's machines, or of a kind that nobody knows. */
  readonly isWeak: boolean;
}

/** By crypt(5): how a hash begins. */
const KINDS: readonly (readonly [RegExp, string, boolean])[] = [
  [/^\$y\$/u, 'yescrypt', false],
  [/^\$gy\$/u, 'gost-yescrypt', false],
  [/^\$7\$/u, 'scrypt', false],
  [/^\$2[abxy]\$/u, 'bcrypt', false],
  [/^\$6\$/u, 'SHA-512', false],
  [/^\$5\$/u, 'SHA-256', false],
  [/^\$sha1/u, 'SHA-1', true],
  [/^\$md5/u, 'Sun MD5', true],
  [/^\$1\$/u, 'MD5', true],
  [/^\$3\$/u, 'NT hash', true],
  [/^_[./0-9A-Za-z]{19}$/u, 'DES', true],
  [/^[./0-9A-Za-z]{13}(?:[./0-9A-Za-z]{11})*$/u, 'DES', true],
];

export function passwordKind(password: string): PasswordKind {
  if (password === '') return { name: 'empty', isUsable: true, isWeak: true };
  const locked = password.startsWith('!');
  const hash = password.replace(/^!+/u, '');
  if (hash === '' || hash === '*' || hash === 'x') return { name: 'none', isUsable: false, isWeak: false };
  const [, known, isWeak] = KINDS.find(([begin]) => begin.test(hash)) ?? [];
  const name = known ?? 'of an unknown kind';
  return { name: locked ? `locked, ${name}` : name, isUsable: !locked, isWeak: isWeak ?? true };
}

/** Whether the machine's libcrypt knows a kind; true where it cannot be seen. yescrypt came with libxcrypt, not with glibc's. */
export function canCheckPassword(system: System, { name }: PasswordKind): boolean {
  if (!name.includes('yescrypt')) return true;
  const folders = ['/lib', '/usr/lib', '/lib64', '/usr/lib64'];
  const triplets = folders.flatMap((folder) => [folder, ...LIBRARIES.map((triplet) => `${folder}/${triplet}`)]);
  const libraries = triplets
    .map((folder) => system.readLink(`${folder}/libcrypt.so.1`))
    .filter((to) => to !== undefined);
  return libraries.length === 0 || libraries.some((to) => !/libcrypt-2\.\d+\.so$/u.test(to));
}

const LIBRARIES = [
  'x86_64-linux-gnu',
  'aarch64-linux-gnu',
  'arm-linux-gnueabihf',
  'i386-linux-gnu',
  'riscv64-linux-gnu',
];
