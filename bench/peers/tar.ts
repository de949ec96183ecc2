import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Contestant, Session } from '../contestant.ts';
import { run } from '../run.ts';
import { SSH_HOST, startSshd } from './sshd.ts';

const KEEP = '--acls --xattrs --sparse --numeric-owner';
const SEND = `set -o pipefail; tar -C "$1" ${KEEP} -cf - . | ssh -F "$2" ${SSH_HOST} "cat > $3"`;
const FETCH = `set -o pipefail; ssh -F "$2" ${SSH_HOST} "cat $3" | tar -C "$1" ${KEEP} -xpf -`;

/** An archive at the point, in the clear and not compressed: sent there through a pipe, and unpacked from one. */
export const tar: Contestant = {
  name: 'tar',
  way: 'point',
  repeats: false,
  snapshots: false,
  async open(base: string, data: string): Promise<Session> {
    const sshd = await startSshd(base);
    const store = join(base, 'archive');
    mkdirSync(store);
    const pipe = (script: string, folder: string) =>
      run('bash', ['-c', script, 'bash', folder, sshd.clientConfig, join(store, 'state.tar')]);
    return {
      names: new Map([[sshd.pid, 'sshd']]),
      store,
      async capture() {
        await pipe(SEND, data);
      },
      async restore(into) {
        mkdirSync(into);
        await pipe(FETCH, into);
      },
      close: () => sshd.close(),
    };
  },
};
