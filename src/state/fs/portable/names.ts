import { isUtf8 } from 'node:buffer';
import { checkComponent } from '../component.ts';
import { SystemCallError } from '../errno.ts';

const SLASH = Buffer.from('/');

/** What Windows gives a meaning of its own, in a name or as one: streams, patterns, devices, dots that it drops. */
const WINDOWS_ODD = /[<>:"\\|?*\p{Cc}]|[. ]$|^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(\.|$)/iu;

/** Throws where a name is not one component on this platform: `EINVAL`, or `EILSEQ` where it has to be text. */
export function checkName(name: Uint8Array, platform: NodeJS.Platform = process.platform): void {
  checkComponent(name);
  if (platform === 'linux') return;
  if (!isUtf8(name)) throw new SystemCallError('name', 'EILSEQ');
  if (platform === 'win32' && WINDOWS_ODD.test(Buffer.from(name).toString())) {
    throw new SystemCallError('name', 'EINVAL');
  }
}

export function joinName(folder: Buffer, name: Uint8Array): Buffer {
  checkName(name);
  return Buffer.concat([folder, SLASH, name]);
}
