import { createHash } from 'node:crypto';
import { type ConfigFile, contentOf, readConfigFile } from '../base/config-file.ts';
import type { System } from '../base/system.ts';
import type { CouldNot } from '../base/types.ts';
import { isHostKeyPath } from './schema.ts';

const FOLDER = '/etc/ssh';

export function readHostKeys(system: System, couldNot: CouldNot[]): ConfigFile[] {
  return system.list(FOLDER).flatMap((name): ConfigFile[] => {
    const path = `${FOLDER}/${name}`;
    if (!isHostKeyPath(path)) return [];
    const file = readConfigFile(system, path);
    if (file && file.link === undefined) return [file];
    const why = system.isUnreadable(path) ? 'it cannot be read; run as root' : 'it is a link, or no file';
    couldNot.push({ what: path, why });
    return [];
  });
}

/** What people compare: `SHA256:…` of a public half, as ssh-keygen shows it. */
export function fingerprintOf(publicText: string): string | undefined {
  const blob = publicText.trim().split(/\s+/)[1];
  if (blob === undefined || !/^[A-Za-z0-9+/]+=*$/.test(blob)) return undefined;
  const digest = createHash('sha256').update(Buffer.from(blob, 'base64')).digest('base64');
  return `SHA256:${digest.replace(/=+$/, '')}`;
}

/** Whether a file is of the form that its name says; what a forged document has is not made a key. */
export function isKeyText(file: ConfigFile): boolean {
  const text = contentOf(file).toString('latin1');
  if (file.path.endsWith('.pub')) return /^(?:ssh|ecdsa|sk)-[\w@.-]+ [A-Za-z0-9+/]+=*(?: [^\n]*)?\n?$/.test(text);
  return /^-----BEGIN [A-Z ]*PRIVATE KEY-----\n[\s\S]*-----END [A-Z ]*PRIVATE KEY-----\n?$/.test(text);
}
