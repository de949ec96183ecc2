import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Contestant, PASSPHRASE, type Session } from '../contestant.ts';
import { resettle } from './command.ts';

/** No agent: the state goes into a folder, under a passphrase, and another machine (a HOME of its own) takes it from there. */
export const oursByFolder: Contestant = {
  name: 'resettle',
  way: 'folder',
  repeats: true,
  snapshots: true,
  async open(base: string, data: string): Promise<Session> {
    const store = join(base, 'store');
    const passphrase = join(base, 'passphrase');
    writeFileSync(passphrase, `${PASSPHRASE}\n`, { mode: 0o600 });
    const common = ['--store', store, '--passphrase-file', passphrase];
    return {
      names: new Map(),
      store,
      async capture() {
        await resettle(['capture', data, '--home', join(base, 'old'), ...common]);
      },
      async restore(into) {
        await resettle(['restore', '--home', join(base, 'new'), ...common, '--into', into, '--strip']);
      },
      async close() {},
    };
  },
};
