import { createHash } from 'node:crypto';
import { inNamespaces } from '../support/chroot.ts';
import { APPLICATIONS, DISPLAY } from './desk.ts';
import {
  BACKUPS,
  ENVIRONMENT,
  FILESYSTEMS,
  LICENCES,
  NAME,
  NETWORK,
  SCHEDULES,
  SECURITY,
  SERVICES,
  TTYS,
  USR_LOCAL,
} from './machine.ts';
import { HOMES, PEOPLE } from './people.ts';
import { PRINTERS } from './printers.ts';

const PARTS = [
  ...[PEOPLE, NAME, NETWORK, ENVIRONMENT, FILESYSTEMS, TTYS, USR_LOCAL, BACKUPS, SCHEDULES, SERVICES, SECURITY],
  ...[HOMES, LICENCES, PRINTERS, APPLICATIONS, DISPLAY],
];

/** Changes where what is made changes. */
export const LIVED_IN_KEY = createHash('sha256').update(PARTS.join('\0')).digest('hex').slice(0, 12);

/** Makes a new system one that six people have lived in, by its own programs. */
export function liveIn(root: string): void {
  for (const part of PARTS) inNamespaces(root, `set -e\n${part}`, { timeoutMs: 300_000 });
}
