import type { FilesystemsContent } from './schema.ts';
import { tableLines } from './table-lines.ts';

type CryptEntry = FilesystemsContent['crypttab'][number];

/** Options by which a key comes out of this machine's own hardware. */
const HARDWARE = /(?:^|,)(?:tpm2-device|fido2-device|pkcs11-uri|tpm2-)/;

/** Lines of crypttab(5), without options: of a key, where it is and whether it can leave the machine. */
export function parseCrypttab(text: string): { entries: CryptEntry[]; badLines: number[] } {
  const badLines: number[] = [];
  const entries = tableLines(text).flatMap(({ fields }, at): CryptEntry[] => {
    if (fields.length === 0) return [];
    const [name = '', device, keyFile = 'none', options = ''] = fields;
    if (device === undefined || name.length > 255) {
      badLines.push(at + 1);
      return [];
    }
    return [{ name, device, keyFile: keyFile === '-' ? 'none' : keyFile, isBoundToHardware: HARDWARE.test(options) }];
  });
  return { entries, badLines };
}

/** A key that is made anew at each start: swap and temporary files. */
export const isRandomKey = ({ keyFile }: CryptEntry): boolean => /^\/dev\/u?random$/.test(keyFile);

export function keyText({ keyFile, isBoundToHardware }: CryptEntry): string {
  if (isBoundToHardware) return 'a key in the hardware of the old machine';
  return keyFile === 'none' ? 'a passphrase that is asked for' : `the key file ${keyFile}`;
}
