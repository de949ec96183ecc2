import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Decrypter } from 'age-encryption';
import { eventually, failure, Scene } from '../support/scene.ts';
import { filesBelow, makeHome } from '../support/trees.ts';

const scene = new Scene();
const PASSPHRASE = scene.secret('correct horse battery staple');
let recoveryIdentity = '';

before(async () => {
  writeFileSync(scene.path('passphrase'), `${PASSPHRASE}\n`, { mode: 0o600 });
  await scene.point('boss');
});
after(() => scene.end());

const rolesOf = async (name: string): Promise<Record<string, unknown>> => {
  const { members } = await scene.done(name, ['fleet', 'members']);
  return Object.fromEntries((members as Record<string, string>[]).map((one) => [one.name, one.role]));
};

test('a fleet is made once, with its keys in a file that the passphrase opens', async () => {
  const out = scene.path('recovery.age');
  const recovery = ['--recovery-out', out, '--passphrase-file', scene.path('passphrase')];
  const done = await scene.done('boss', ['fleet', 'init', '--name', 'office', ...recovery]);
  assert.match(String(done.fleet), /^[0-9a-f]{64}$/);
  assert.equal(done.fleetName, 'office');
  assert.equal(statSync(out).mode & 0o777, 0o600);
  assert.ok(!existsSync(scene.path('boss', 'authority.key')), 'the authority is in the file, not on the machine');
  const decrypter = new Decrypter();
  decrypter.addPassphrase(PASSPHRASE);
  const text = await decrypter.decrypt(readFileSync(out), 'text');
  assert.match(text, /^authority [A-Za-z0-9+/=]+$/m);
  recoveryIdentity = scene.secret(/^AGE-SECRET-KEY-1[A-Z0-9]+$/m.exec(text)![0]);
  scene.secret(/^authority ([A-Za-z0-9+/=]+)$/m.exec(text)![1]!);

  const { message } = await scene.fails('boss', ['fleet', 'init', '--name', 'again'], 4, 'refused');
  assert.match(message, /office/);
  await scene.fails('unmade', ['fleet', 'init', '--name', 'x', ...recovery], 1, 'failed');
  await scene.fails('unmade', ['fleet', 'members'], 4, 'not-a-member');
});

test('a passphrase that is too short, missing or unreadable makes no fleet', async () => {
  writeFileSync(scene.path('short'), 'four\n');
  writeFileSync(scene.path('empty'), '');
  const init = ['fleet', 'init', '--name', 'x', '--recovery-out', scene.path('none.age')];
  await scene.fails('unmade', [...init, '--passphrase-file', scene.path('short')], 2, 'usage');
  await scene.fails('unmade', [...init, '--passphrase-file', scene.path('empty')], 2, 'usage');
  await scene.fails('unmade', [...init, '--passphrase-file', scene.path('nosuch')], 6, 'not-found');
  await scene.fails('unmade', init, 2, 'usage');
  assert.ok(!existsSync(scene.path('none.age')));
  await scene.fails('unmade', ['fleet', 'members'], 4, 'not-a-member');
});

test('the token stands alone on the last line of standard output, words go elsewhere', async () => {
  const { status, stdout, stderr } = await scene.command(['fleet', 'invite', '--home', scene.path('boss')]).ended;
  assert.equal(status, 0);
  assert.match(stdout, /^resettle-invite-1\.[\w-]+\n$/);
  assert.match(stderr, /Good until/);
  // A fresh one, thrown away: nobody listens for it.
});

test('a machine joins while its agent runs, and its invite is erased', async () => {
  await scene.agent('laptop');
  const { last, status } = await scene.join('laptop', await scene.invite('boss'));
  assert.equal(status, 0);
  assert.equal(last.admitted, true);
  assert.equal(last.fleetName, 'office');
  assert.ok(!existsSync(scene.path('laptop', 'invite.token')));
  assert.equal((await scene.done('laptop', ['status'])).fleetName, 'office');
});

test('a machine joins before its agent runs: the invite waits and is erased when it was used', async () => {
  const token = await scene.invite('boss');
  writeFileSync(scene.path('token'), `${token}\n`, { mode: 0o600 });
  const done = await scene.done('tablet', ['fleet', 'join', '--token-file', scene.path('token')]);
  assert.equal(done.admitted, false);
  assert.equal(statSync(scene.path('tablet', 'invite.token')).mode & 0o777, 0o600);
  await scene.fails('tablet', ['fleet', 'members'], 4, 'not-a-member');
  await scene.agent('tablet');
  await eventually('tablet is a member', async () => {
    const status = await scene.done('tablet', ['status']);
    return status.standing === 'active' || undefined;
  });
  assert.ok(!existsSync(scene.path('tablet', 'invite.token')));
});

test('an invite that was waiting and has run out is said to be bad, and forgotten', async () => {
  const token = await scene.invite('boss', ['--expires', '6s']);
  assert.equal((await scene.join('sleeper', token)).last.admitted, false);
  await new Promise((done) => setTimeout(done, 6_100));
  await scene.agent('sleeper');
  const standing = await eventually('sleeper knows', async () => {
    const status = await scene.done('sleeper', ['status']);
    return /expired/.test(String(status.standing)) ? String(status.standing) : undefined;
  });
  assert.match(standing, /invite/);
  assert.ok(!existsSync(scene.path('sleeper', 'invite.token')));
});

test('an invite is refused when it is no invite, damaged, cut short, expired or spent', async () => {
  await scene.agent('stranger');
  const good = await scene.invite('boss');
  const middle = Math.floor(good.length / 2);
  const flipped = good[middle] === 'A' ? 'B' : 'A';
  const bad = [
    'hello',
    good.slice(0, -10),
    `${good.slice(0, middle)}${flipped}${good.slice(middle + 1)}`,
    good.replace('invite-1', 'invite-2'),
  ];
  for (const token of bad) {
    failure(await scene.join('stranger', token), 4, 'bad-invite');
    failure(await scene.join('offline', token), 4, 'bad-invite');
  }
  const short = await scene.invite('boss', ['--expires', '1s']);
  const once = await scene.invite('boss');
  await scene.agent('quick');
  assert.equal((await scene.join('quick', once)).last.admitted, true);
  const spent = failure(await scene.join('stranger', once), 4, 'bad-invite');
  assert.match(spent.message, /used up/);
  const expired = failure(await scene.join('stranger', short), 4, 'bad-invite');
  assert.match(expired.message, /expired/);
  failure(await scene.join('offline', short), 4, 'bad-invite');
  for (const name of ['stranger', 'offline']) assert.ok(!existsSync(scene.path(name, 'invite.token')), name);
  assert.equal((await scene.done('stranger', ['status'])).fleet, null);
  assert.equal((await scene.join('stranger', good)).last.admitted, true, 'a good one still works');
});

test('a machine has one fleet: another one’s invite is refused', async () => {
  await scene.done('rival', ['fleet', 'init', '--name', 'rivals']);
  const foreign = await scene.invite('rival');
  const { message } = failure(await scene.join('laptop', foreign), 4, 'refused');
  assert.match(message, /office/);
  failure(await scene.join('boss', foreign), 4, 'refused');
  assert.ok(!existsSync(scene.path('laptop', 'invite.token')));
  assert.equal((await scene.done('laptop', ['status'])).fleetName, 'office');
});

test('a token on the command line is a usage error', async () => {
  // Not a real one: what stands here is read by everybody.
  const { hint } = await scene.fails('unmade', ['fleet', 'join', 'resettle-invite-1.abc'], 2, 'usage');
  assert.match(hint, /fleet join -/);
  await scene.fails('unmade', ['fleet', 'join'], 2, 'usage');
  await scene.fails('unmade', ['fleet', 'join', '--token-file', scene.path('nosuch')], 6, 'not-found');
  await scene.fails('unmade', ['fleet', 'join', '-'], 2, 'usage');
});

test('members do not invite, and operators are invited only where the authority’s key is', async () => {
  await scene.fails('laptop', ['fleet', 'invite'], 4, 'refused');
  await scene.fails('unmade', ['fleet', 'invite'], 4, 'not-a-member');
  const { message } = await scene.fails('boss', ['fleet', 'invite', '--role', 'operator'], 4, 'refused');
  assert.match(message, /authority/);
  const token = await scene.invite('rival', ['--role', 'operator']);
  await scene.agent('rival');
  await scene.agent('deputy');
  assert.equal((await scene.join('deputy', token)).last.admitted, true);
  assert.deepEqual(await rolesOf('deputy'), { deputy: 'operator', rival: 'operator' });
  const next = await scene.invite('deputy');
  await scene.agent('clerk');
  assert.equal((await scene.join('clerk', next)).last.admitted, true, 'an operator invites members');
});

test('with the recovery file, an operator is invited although the authority’s key is not on the machine', async () => {
  const invite = ['fleet', 'invite', '--role', 'operator', '--recovery-file', scene.path('recovery.age')];
  await scene.fails('boss', [...invite, '--passphrase-file', scene.path('short')], 4, 'refused');
  await scene.fails('boss', ['fleet', 'invite', '--recovery-file', scene.path('recovery.age')], 2, 'usage');
  const token = await scene.invite('boss', [...invite.slice(2), '--passphrase-file', scene.path('passphrase')]);
  await scene.agent('second-boss');
  assert.equal((await scene.join('second-boss', token)).last.admitted, true);
  assert.equal((await rolesOf('boss'))['second-boss'], 'operator');
});

test('with and without the agent, the same members are listed', async () => {
  const online = await scene.done('quick', ['fleet', 'members']);
  assert.deepEqual(await rolesOf('quick'), await rolesOf('boss'));
  const quick = await scene.done('quick', ['status']);
  assert.equal(quick.role, 'member');
  await scene.stop('quick');
  const offline = await scene.done('quick', ['fleet', 'members']);
  assert.deepEqual(offline.members, online.members);
});

test('a capture wraps its key to the recovery key of the fleet as well', async () => {
  const source = makeHome(scene.path('home'));
  const done = await scene.done('laptop', ['capture', source, '--for', 'tablet']);
  const [destination, recovery, ...others] = done.recipients as string[];
  assert.match(destination!, /^tablet\b/);
  assert.equal(recovery, "the fleet's recovery key");
  assert.deepEqual(others, [], 'nobody else can open it');
  const file = [...filesBelow(scene.storeOf('boss'))].find((path) => path.endsWith('/keys/recovery.age'));
  const decrypter = new Decrypter();
  decrypter.addIdentity(recoveryIdentity);
  const key = await decrypter.decrypt(readFileSync(file!));
  const own = readFileSync(scene.path('laptop', 'states', `${done.association}.json`), 'utf8');
  assert.equal(Buffer.from(key).toString('hex'), (JSON.parse(own) as { key: string }).key);
});

test('an operator ends a machine’s membership, which gets nothing of what was captured for it', async () => {
  await scene.fails('laptop', ['fleet', 'revoke', 'tablet'], 4, 'refused');
  const { message } = await scene.fails('boss', ['fleet', 'revoke', 'second-boss'], 4, 'refused');
  assert.match(message, /authority/);
  await scene.done('boss', ['fleet', 'revoke', 'tablet']);
  const { members } = await scene.done('boss', ['fleet', 'members']);
  const tablet = (members as { name: string; status: string }[]).find(({ name }) => name === 'tablet');
  assert.equal(tablet?.status, 'revoked');
  const into = scene.path('stolen');
  const restored = await scene.run('tablet', ['restore', '--from', 'laptop', '--into', into]);
  assert.notEqual(restored.status, 0, restored.stdout);
  assert.ok(!existsSync(into));
});
