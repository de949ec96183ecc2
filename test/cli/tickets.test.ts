import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { identityToRecipient } from 'age-encryption';
import { systemClock } from '../../src/common/clock.ts';
import { Home } from '../../src/node/home/home.ts';
import { Fleet } from '../../src/node/membership/fleet.ts';
import { makeTicketKey } from '../../src/state/keys/index.ts';
import { plainAssociation } from '../../src/state/records/index.ts';
import { eventually, failure, Scene } from '../support/scene.ts';

const scene = new Scene();
const MACHINES = ['ann', 'bob', 'cleo'];

/** Signs an association in place on a machine whose agent does not run. */
async function associateInPlace(name: string, operator: string): Promise<string> {
  const home = new Home(scene.path(name));
  const random = (count: number): Uint8Array => randomBytes(count);
  const fleet = await Fleet.open({ home, clock: systemClock, random, name });
  const key = await makeTicketKey([await identityToRecipient(operator)]);
  const nonce = randomBytes(16).toString('hex');
  const parties = { source: fleet.identity.peerId, destination: null, mode: 'in-place', nonce } as const;
  const ticket = { ticketRecipient: key.recipient, ticketSealed: key.sealed };
  const record = await fleet.log.append({ ...plainAssociation(parties), ...ticket });
  fleet.close();
  return record.hash;
}

const associations = new Map<string, string>();

before(async () => {
  for (const name of ['boss', ...MACHINES]) await scene.agent(name);
  await scene.fleet('boss', MACHINES);
  const operator = readFileSync(scene.path('boss', 'age.key'), 'utf8').trim();
  for (const name of MACHINES) {
    await scene.stop(name);
    associations.set(name, await associateInPlace(name, operator));
    await scene.agent(name);
  }
  await eventually('boss knows the associations', async () => {
    const all = await Promise.all(MACHINES.map((name) => scene.run('boss', ['fleet', 'invite', '--ticket', name])));
    return all.every(({ status }) => status === 0) || undefined;
  }).catch(() => assert.fail('the associations did not spread'));
});
after(() => scene.end());

test('a ticket stands alone on the last line, and lets the machine in that was installed anew', async () => {
  const { stdout, stderr, status } = await scene.command([
    'fleet',
    'invite',
    '--home',
    scene.path('boss'),
    '--ticket',
    'ann',
  ]).ended;
  assert.equal(status, 0);
  assert.match(stdout, /^resettle-invite-1\.[\w-]+\n$/);
  assert.match(stderr, /A ticket for ann/);
  const token = await scene.invite('boss', ['--ticket', associations.get('ann')!]);
  await scene.stop('ann', 'SIGKILL');
  await scene.agent('ann-again');
  const { last } = await scene.join('ann-again', token);
  assert.equal(last.admitted, true);
  assert.equal(last.association, associations.get('ann'));
  const kept = scene.path('ann-again', 'ticket.token');
  assert.equal(readFileSync(kept, 'utf8').trim(), token);
  assert.equal(statSync(kept).mode & 0o777, 0o600);
  assert.ok(!existsSync(scene.path('ann-again', 'invite.token')));
  await scene.agent('thief');
  failure(await scene.join('thief', token), 4, 'bad-invite');
  const { message } = await scene.fails('boss', ['fleet', 'invite', '--ticket', 'ann'], 4, 'refused');
  assert.match(message, /ann-again is the destination/);
});

test('a batch writes one file a machine, for its owner only, shows no token and overwrites nothing', async () => {
  const list = scene.path('machines');
  writeFileSync(list, `# the office\nbob\n\n  ${associations.get('cleo')}\n`);
  const out = scene.path('tickets');
  const batch = ['fleet', 'invite', '--ticket-batch', list, '--out', out, '--expires', '7d'];
  const done = await scene.done('boss', batch);
  assert.deepEqual(readdirSync(out).sort(), ['bob.ticket', 'cleo.ticket']);
  const tokens = readdirSync(out).map((name) => {
    assert.equal(statSync(`${out}/${name}`).mode & 0o777, 0o600);
    return scene.secret(readFileSync(`${out}/${name}`, 'utf8').trim());
  });
  assert.equal(new Set(tokens).size, 2);
  assert.deepEqual(
    (done.tickets as { machineName: string }[]).map(({ machineName }) => machineName),
    ['bob', 'cleo'],
  );
  const { message } = await scene.fails('boss', batch, 2, 'usage');
  assert.match(message, /bob\.ticket is there already/);
  assert.equal(readFileSync(`${out}/bob.ticket`, 'utf8').trim(), tokens[0]);
  await scene.agent('bob-again');
  const joined = await scene.run('bob-again', ['fleet', 'join', '--token-file', `${out}/bob.ticket`]);
  assert.equal(joined.last.association, associations.get('bob'));
});

test('a batch with one bad line writes nothing', async () => {
  const out = scene.path('none');
  for (const [lines, status, code] of [
    ['cleo\nnobody\n', 6, 'not-found'],
    ['cleo\ncleo\n', 2, 'usage'],
    ['', 2, 'usage'],
    ['cleo\n'.repeat(501), 2, 'usage'],
  ] as const) {
    writeFileSync(scene.path('bad'), lines);
    await scene.fails('boss', ['fleet', 'invite', '--ticket-batch', scene.path('bad'), '--out', out], status, code);
  }
  assert.ok(!existsSync(out));
  mkdirSync(out);
});

test('options that do not fit a ticket are usage errors, and members make none', async () => {
  for (const more of [
    ['--ticket', 'cleo', '--uses', '2'],
    ['--ticket', 'cleo', '--role', 'operator'],
    ['--ticket', 'cleo', '--ticket-batch', 'x', '--out', 'y'],
    ['--ticket-batch', 'x'],
    ['--ticket', 'cleo', '--out', 'y'],
    ['--out', 'y'],
    ['--ticket', 'cleo', '--expires', '91d'],
  ]) {
    await scene.fails('boss', ['fleet', 'invite', ...more], 2, 'usage');
  }
  await scene.fails('cleo', ['fleet', 'invite', '--ticket', 'cleo'], 4, 'refused');
  await scene.fails('boss', ['fleet', 'invite', '--ticket', 'boss'], 6, 'not-found');
});

test('consent to operators is said at the join or later, with and without an agent', async () => {
  const takesOrders = async (name: string): Promise<unknown> => {
    const { members } = await scene.done(name, ['fleet', 'members']);
    return (members as { name: string; acceptsOperators: boolean }[]).find((one) => one.name === name)
      ?.acceptsOperators;
  };
  assert.equal(await takesOrders('cleo'), false);
  assert.equal((await scene.done('cleo', ['fleet', 'consent', 'yes'])).acceptOperators, true);
  assert.equal(await takesOrders('cleo'), true);
  await scene.stop('cleo');
  await scene.done('cleo', ['fleet', 'consent', 'no']);
  assert.equal(await takesOrders('cleo'), false);
  await scene.fails('cleo', ['fleet', 'consent', 'maybe'], 2, 'usage');
  await scene.fails('unmade', ['fleet', 'consent', 'yes'], 4, 'not-a-member');
  await scene.agent('dan');
  const token = await scene.invite('boss');
  const { last } = await scene.run('dan', ['fleet', 'join', '-', '--accept-operators'], { input: `${token}\n` });
  assert.equal(last.admitted, true);
  assert.equal(await takesOrders('dan'), true);
});
