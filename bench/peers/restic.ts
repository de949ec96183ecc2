import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Contestant, PASSPHRASE, type Session, type Way } from '../contestant.ts';
import { run } from '../run.ts';
import { SSH_HOST, startSshd } from './sshd.ts';

/** A restic repository: over sftp, or in a folder. `compression` is restic's own word; `auto` is its default. */
export function restic(way: Way, compression: 'auto' | 'max' = 'auto'): Contestant {
  return {
    name: compression === 'auto' ? 'restic' : `restic ${compression}`,
    way,
    repeats: true,
    snapshots: true,
    async open(base: string, data: string): Promise<Session> {
      const sshd = way === 'point' ? await startSshd(base) : undefined;
      const store = join(base, 'repository');
      const password = join(base, 'password');
      writeFileSync(password, PASSPHRASE, { mode: 0o600 });
      const reach = sshd ? ['-o', `sftp.command=ssh -F ${sshd.clientConfig} ${SSH_HOST} -s sftp`] : [];
      const env = {
        RESTIC_REPOSITORY: sshd ? `sftp:${SSH_HOST}:${store}` : store,
        RESTIC_PASSWORD_FILE: password,
        RESTIC_CACHE_DIR: join(base, 'cache'),
      };
      const command = (args: readonly string[], cwd?: string) =>
        run('restic', [...reach, '--quiet', ...args], { env, ...(cwd === undefined ? {} : { cwd }) });
      await command(['init']);
      return {
        names: sshd ? new Map([[sshd.pid, 'sshd']]) : new Map(),
        store,
        async capture() {
          await command(['backup', '--compression', compression, '.'], data);
        },
        async restore(into) {
          mkdirSync(into);
          await command(['restore', 'latest', '--target', into]);
        },
        async close() {
          await sshd?.close();
        },
      };
    },
  };
}
