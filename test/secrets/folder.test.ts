/** A machine goes over in a folder, under a passphrase, with all the secrets that are on a machine. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { bytesOfHex } from '../../src/common/bytes.ts';
import { makeMachine } from '../support/small-machine.ts';
import { makeSecretMachine } from './support/secret-machine.ts';
import { Stage } from './support/stage.ts';

const stage = new Stage();
after(() => stage.end());

const words = (): string => `correct horse ${randomBytes(6).toString('hex')}`;
/** What a restore keeps for undo: documents of areas and files that it replaced. */
const KEPT_FOR_UNDO = /^[\w-]+\/restores\//;

test('no secret of a machine that goes over in a folder, nor its passphrase, stands where it must not', async () => {
  const old = join(stage.own, 'old');
  const root = join(stage.own, 'new');
  const store = join(stage.made, 'store');
  for (const [name, secret] of makeSecretMachine(old)) stage.secret(name, secret, KEPT_FOR_UNDO);
  makeMachine(root, 'newbox', [{ name: 'zoe', id: 1000 }]);
  const [right, wrong] = [words(), words()];
  stage.secret('the passphrase', right);
  stage.secret('a wrong passphrase', wrong);
  const by = (line: string) => ['--passphrase-file', stage.given(`words ${line.slice(-4)}`, line)];

  await stage.run('laptop', ['plan', '--root', old]);
  await stage.run('laptop', ['capture', '--root', old, '--store', store, ...by(right)]);
  const [kept] = readdirSync(join(stage.home('laptop'), 'states'));
  const { key } = JSON.parse(readFileSync(join(stage.home('laptop'), 'states', kept!), 'utf8')) as { key: string };
  stage.secret('the state key', bytesOfHex(key), /^laptop\/states\//);

  await stage.run('desk', ['restore', '--store', store, '--root', root, ...by(wrong)], {}, [4]);
  const restore = ['restore', '--store', store, '--root', root, '--allow-privileged', '--areas', 'all', ...by(right)];
  await stage.run('desk', restore);
  await stage.run('desk', ['checklist', '--all', '--html', join(stage.made, 'checklist.html')]);
  await stage.run('desk', ['undo']);
  await stage.stop();
  const { leaks, searchedBytes } = stage.search();
  assert.deepEqual(leaks, []);
  assert.ok(searchedBytes > 100_000, 'there was something to search');
});
