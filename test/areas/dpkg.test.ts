import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { dpkgOf } from '../../src/state/areas/base/dpkg.ts';
import { machineWith } from './support/machine.ts';

const md5 = (text: string) => createHash('md5').update(text).digest('hex');

test('dpkg says which files are a package’s, and which of them somebody changed', (t) => {
  const machine = machineWith(t, {
    '/var/lib/dpkg/info/cron.list':
      '/.\n/etc\n/etc/crontab\n/etc/cron.d/e2\n/lib/systemd/system/cron.service\n/bin/sh\n',
    '/var/lib/dpkg/info/cron.md5sums': `${md5('unit')}  lib/systemd/system/cron.service\n`,
    '/var/lib/dpkg/status': [
      'Package: cron',
      'Conffiles:',
      ` /etc/crontab ${md5('as shipped')}`,
      ` /etc/cron.d/e2 ${md5('as shipped')} obsolete`,
      'Description: cron',
      '',
    ].join('\n'),
    '/var/lib/dpkg/diversions': '/bin/sh\n/bin/sh.distrib\ndash\n',
    '/var/lib/ucf/hashfile': `${md5('a4')}  /etc/papersize\n`,
    '/etc/crontab': 'changed',
    '/etc/cron.d/e2': 'as shipped',
    '/etc/cron.d/own': 'mine',
    '/etc/papersize': 'a4',
    '/usr/lib/systemd/system/cron.service': 'unit',
  });
  const dpkg = dpkgOf(machine);
  const judged = (path: string) => [dpkg.isOwned(path), dpkg.isPristine(path)];
  assert.deepEqual(judged('/etc/crontab'), [true, false]);
  assert.deepEqual(judged('/etc/cron.d/e2'), [true, true]);
  assert.deepEqual(judged('/etc/cron.d/own'), [false, false]);
  assert.deepEqual(judged('/etc/papersize'), [true, true]);
  assert.deepEqual(judged('/etc'), [true, true]);
  // The list has the name from before the merge of /usr.
  assert.deepEqual(judged('/usr/lib/systemd/system/cron.service'), [true, true]);
  assert.equal(dpkg.isOwned('/bin/sh.distrib'), true);
});

test('on a machine without dpkg nothing is owned', (t) => {
  const machine = machineWith(t, { '/etc/crontab': '' });
  assert.equal(dpkgOf(machine).isOwned('/etc/crontab'), false);
  assert.equal(dpkgOf(machine).isPristine('/etc/crontab'), false);
});
