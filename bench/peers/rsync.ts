import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Contestant, Session } from '../contestant.ts';
import { run } from '../run.ts';
import { SSH_HOST, startSshd } from './sshd.ts';

/** A tree at the point, in the clear: pushed there, and fetched from there. */
export const rsync: Contestant = {
  name: 'rsync',
  way: 'point',
  repeats: true,
  snapshots: false,
  async open(base: string, data: string): Promise<Session> {
    const sshd = await startSshd(base);
    const store = join(base, 'tree');
    const copy = (from: string, to: string) => run('rsync', ['-aHAXS', '-e', `ssh -F ${sshd.clientConfig}`, from, to]);
    return {
      names: new Map([[sshd.pid, 'sshd']]),
      store,
      async capture() {
        await copy(`${data}/`, `${SSH_HOST}:${store}/`);
      },
      async restore(into) {
        mkdirSync(into);
        await copy(`${SSH_HOST}:${store}/`, `${into}/`);
      },
      close: () => sshd.close(),
    };
  },
};
