import { XATTR_VALUE_MAX_BYTES } from '../../../common/limits.ts';
import type { Xattr } from '../xattr.ts';
import { check, lastCode, lastError, libc } from './libc.ts';
import { terminatedCopy, terminatedPathOfItem } from './names.ts';

/** The kernel's bound for the names of one item is the same as for one value. */
const list = Buffer.allocUnsafeSlow(XATTR_VALUE_MAX_BYTES);
const value = Buffer.allocUnsafeSlow(XATTR_VALUE_MAX_BYTES);

export function xattrsOf(fd: number): Xattr[] {
  const listed = libc().flistxattr(fd, list, list.length);
  if (listed === 0) return [];
  return valuesOf(listed, (name) => libc().fgetxattr(fd, name, value, value.length));
}

export function xattrsOfItem(folder: number, name: Uint8Array): Xattr[] {
  const path = terminatedPathOfItem(folder, name);
  const listed = libc().llistxattr(path, list, list.length);
  if (listed === 0) return [];
  return valuesOf(listed, (attribute) => libc().lgetxattr(path, attribute, value, value.length));
}

function valuesOf(listed: number, get: (terminatedName: Buffer) => number): Xattr[] {
  if (listed === -1) return absent('listxattr');
  const xattrs: Xattr[] = [];
  for (let at = 0; at < listed; ) {
    const end = list.indexOf(0, at);
    const length = get(list.subarray(at, end + 1));
    if (length === -1) absent('getxattr');
    else xattrs.push({ name: Buffer.from(list.subarray(at, end)), value: Buffer.from(value.subarray(0, length)) });
    at = end + 1;
  }
  return xattrs.sort((a, b) => Buffer.compare(a.name, b.name));
}

/** No attributes here, or one that went away since it was listed; throws every other error. */
function absent(call: string): Xattr[] {
  const code = lastCode();
  if (code !== 'ENOTSUP' && code !== 'ENODATA') throw lastError(call);
  return [];
}

export function setXattr(fd: number, name: Uint8Array, bytes: Uint8Array): void {
  check(libc().fsetxattr(fd, terminatedCopy(name), bytes, bytes.length, 0), 'fsetxattr');
}

export function setXattrOfItem(folder: number, name: Uint8Array, attribute: Uint8Array, bytes: Uint8Array): void {
  const path = terminatedPathOfItem(folder, name);
  check(libc().lsetxattr(path, terminatedCopy(attribute), bytes, bytes.length, 0), 'lsetxattr');
}

export function removeXattr(fd: number, name: Uint8Array): void {
  check(libc().fremovexattr(fd, terminatedCopy(name)), 'fremovexattr');
}
