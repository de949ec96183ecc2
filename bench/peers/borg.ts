import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Contestant, PASSPHRASE, type Session, type Way } from '../contestant.ts';
import { run } from '../run.ts';
import { SSH_HOST, startSshd } from './sshd.ts';

/** A borg repository: over ssh, or in a folder. `lz4` is borg's default. */
export function borg(way: Way, compression: 'lz4' | 'zstd' = 'lz4'): Contestant {
  return {
    name: compression === 'lz4' ? 'borg' : `borg ${compression}`,
    way,
    repeats: true,
    snapshots: true,
    async open(base: string, data: string): Promise<Session> {
      const sshd = way === 'point' ? await startSshd(base, { BORG_BASE_DIR: join(base, 'server') }) : undefined;
      const store = join(base, 'repository');
      const env = {
        BORG_REPO: sshd ? `ssh://${SSH_HOST}${store}` : store,
        BORG_PASSPHRASE: PASSPHRASE,
        BORG_BASE_DIR: join(base, 'client'),
        ...(sshd ? { BORG_RSH: `ssh -F ${sshd.clientConfig}` } : {}),
      };
      for (const folder of ['client', 'server']) mkdirSync(join(base, folder));
      await run('borg', ['init', '--encryption', 'repokey-blake2'], { env });
      let archives = 0;
      return {
        names: sshd ? new Map([[sshd.pid, 'sshd']]) : new Map(),
        store,
        async capture() {
          archives += 1;
          await run('borg', ['create', '--compression', compression, `::${archives}`, '.'], { env, cwd: data });
        },
        async restore(into) {
          mkdirSync(into);
          await run('borg', ['extract', '--numeric-ids', `::${archives}`], { env, cwd: into });
        },
        async close() {
          await sshd?.close();
        },
      };
    },
  };
}
