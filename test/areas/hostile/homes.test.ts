import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forgeMachine } from './support/forged.ts';
import { restoreEveryWay } from './support/restored.ts';
import { accounts, HOSTILE_KEY, homeOf, person, personal, TARGET } from './support/target.ts';

test('a home of somebody who is here gets no key by which others come in, unless that is allowed', async (t) => {
  const names = ['.ssh/authorized_keys', '.ssh/authorized_keys2', '.ssh/rc', '.ssh/environment', '.rhosts', '.shosts'];
  const snapshot = await forgeMachine(t, {
    areas: { accounts: accounts([person('bob', 1005)]), homes: { homes: [homeOf('bob', 1005)] } },
    roots: [personal('/home/bob')],
    files: {
      '/home/bob/': { uid: 1005, gid: 1005 },
      '/home/bob/mine': { content: 'mine', uid: 1005, gid: 1005 },
      ...Object.fromEntries(
        names.map((name) => [`/home/bob/${name}`, { content: HOSTILE_KEY, uid: 1005, gid: 1005, mode: 0o600 }]),
      ),
    },
  });
  for (const outcome of await restoreEveryWay(t, snapshot, TARGET)) {
    const { way } = outcome;
    assert.equal(outcome.error, undefined);
    assert.equal(outcome.system.facts('/home/bob/mine')?.uid, 1000);
    for (const name of names) {
      const isThere = outcome.system.facts(`/home/bob/${name}`) !== undefined;
      assert.equal(isThere, way.allowPrivileged, name);
      const isListed = outcome.skipped.some(
        ({ path, reason }) => path === `home/bob/${name}` && /lets others in/.test(reason),
      );
      assert.equal(isListed, !way.allowPrivileged, name);
    }
    if (!way.allowPrivileged) assert.ok(outcome.applied!.skipped >= names.length);
  }
});
