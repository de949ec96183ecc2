import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { lockAccounts } from '../../../src/state/areas/transaction/account-lock.ts';
import { machineWith } from '../support/machine.ts';

/** Takes the lock as the C library's lckpwdf does, without waiting. */
const TAKE_IT = `use Fcntl qw(:DEFAULT F_SETLK F_WRLCK);
open(my $file, '>>', $ARGV[0]) or die;
my $lock = pack('s s x4 q q l x4', F_WRLCK, 0, 0, 0, 0);
exit(fcntl($file, F_SETLK, $lock) ? 0 : 1);`;

test('while accounts are locked, no program that locks them as the C library does gets in', (t) => {
  const { root } = machineWith(t, { '/etc/passwd': '' });
  const isFree = () => spawnSync('perl', ['-e', TAKE_IT, join(root, 'etc/.pwd.lock')]).status === 0;
  const unlock = lockAccounts(root);
  assert.equal(isFree(), false);
  unlock();
  assert.equal(isFree(), true);
});

test('a lock that another program keeps is waited for, and then told of', (t) => {
  const { root } = machineWith(t, { '/etc/.pwd.lock': '' });
  const script = `${TAKE_IT.replace(/exit.*/, '')} fcntl($file, F_SETLK, $lock) or die;
exec($^X, '-e', '1') if 0; my $said = system(@ARGV[1..$#ARGV]); exit($said >> 8);`;
  const module = new URL('../../../src/state/areas/transaction/account-lock.ts', import.meta.url);
  const attempt = `try { (await import('${module}')).lockAccounts('${root}', 200) } catch (error) { console.log(error.message) }`;
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', attempt];
  const { stdout, stderr } = spawnSync('perl', ['-e', script, join(root, 'etc/.pwd.lock'), process.execPath, ...args], {
    encoding: 'utf8',
  });
  assert.equal(stdout, 'another program is changing accounts\n', stderr);
});
