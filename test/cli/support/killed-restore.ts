/**
 * A restore of a store in a folder that kills its own process: `killed-restore.ts HOME STORE PASSPHRASE ROOT STAGE`. `documents`:
 * they are there, nothing is planned; `before`: what files stand on is applied; `files`: folders are made, a pack is wanted;
 * `after`: all files are there.
 */
import { randomBytes } from 'node:crypto';
import { systemClock } from '../../../src/common/clock.ts';
import { Home } from '../../../src/node/home/home.ts';
import { Fleet } from '../../../src/node/membership/fleet.ts';
import { applyBy, newRestoreId, openedSnapshot } from '../../../src/node/roles/destination/apply.ts';
import { chooseState } from '../../../src/node/roles/folder/choose-state.ts';
import { diskSource, openFolderStore } from '../../../src/node/roles/folder/disk.ts';
import { restoreSnapshot } from '../../../src/state/restore/index.ts';

const [homeDir, dir, passphrase, root, stage] = process.argv.slice(2) as [string, string, string, string, string];
const die = (): never => {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('it goes on');
};

const home = new Home(homeDir);
const ground = { home, clock: systemClock, random: randomBytes };
const fleet = await Fleet.open({ ...ground, name: 'killed' });
const store = await openFolderStore(dir, { readOnly: true });
const { descriptor, key, header } = await chooseState(store, { home, fleet }, {}, { passphrase });
const expected = { stateId: header.stateId, source: header.source, association: header.association };
const source = diskSource(store, header.stateId);
await applyBy(
  async (asked, on) => {
    const subject = { descriptor, stateKey: key.key, expected, ...asked };
    if (asked.restoreId.endsWith('-d')) {
      const result = await restoreSnapshot({ ...subject, source }, on);
      if (stage === 'documents') die();
      return result;
    }
    if (stage === 'before') die();
    let packs = 0;
    const get: typeof source.get = (...pack) => (stage === 'files' && ++packs > 4 ? die() : source.get(...pack));
    const result = await restoreSnapshot({ ...subject, source: { get } }, on);
    if (stage === 'after') die();
    return result;
  },
  ground,
  { restoreId: newRestoreId(home, systemClock, randomBytes), open: () => openedSnapshot(descriptor, key.key) },
  { into: root, strip: false, root: true, allowPrivileged: true, mapUsers: [], dryRun: false },
  () => {},
  new AbortController().signal,
);
