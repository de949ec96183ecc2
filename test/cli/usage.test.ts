import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { failure, Scene } from '../support/scene.ts';

const scene = new Scene();
after(() => scene.end());
const run = (...args: string[]) => scene.command(args).ended;
const home = scene.path('nobody');

const COMMANDS = [
  'agent',
  'fleet',
  'fleet init',
  'fleet invite',
  'fleet join',
  'fleet members',
  'peers',
  'points',
  'status',
  'capture',
  'restore',
  'undo',
  'checklist',
  'store',
  'store ls',
  'store verify',
  'store extract',
  'store export',
  'store prune',
];

test('every command explains itself with --help and succeeds', async () => {
  const overview = await run('--help');
  assert.equal(overview.status, 0);
  for (const command of COMMANDS) {
    const { status, stdout, stderr } = await run(...command.split(' '), '--help');
    assert.equal(status, 0, command);
    assert.match(stdout, new RegExp(`^Usage: resettle ${command} `));
    assert.equal(stderr, '');
    assert.ok(overview.stdout.includes(`\n  ${command.split(' ')[0]} `), `${command} stands in the overview`);
  }
});

test('every command shows by an example how it is used', async () => {
  for (const command of COMMANDS.filter((one) => !['fleet', 'store'].includes(one))) {
    const { stdout } = await run(...command.split(' '), '--help');
    assert.match(stdout, new RegExp(`\nExamples?:\n {2}resettle ${command}`), command);
  }
});

test('an unknown command, an unknown option and one argument too many are usage errors', async () => {
  for (const args of [['bogus'], ['fleet', 'bogus'], ['status', '--bogus'], ['status', 'extra'], ['fleet'], []]) {
    const { message, hint } = failure(await run(...args, '--json'), 2, 'usage');
    assert.ok(!message.includes('outputHelp'), message);
    assert.match(hint, /help/);
    const plain = await run(...args);
    assert.equal(plain.status, 2);
    assert.equal(plain.stdout, '', 'nothing is on standard output');
    assert.notEqual(plain.stderr, '');
  }
});

test('an option without its value, or with one that makes no sense, is a usage error', async () => {
  for (const args of [
    ['agent', '--point'],
    ['agent', '--point', 'x', '--quota', 'much'],
    ['agent', '--point', 'x', '--max-clients', '0'],
    ['agent', '--name', 'a/b'],
    ['capture', '/etc'],
    ['fleet', 'init', '--name', 'a/b'],
    ['fleet', 'init', '--name', 'office', '--passphrase-file', '/dev/null'],
    ['fleet', 'invite', '--expires', 'soon'],
    ['fleet', 'invite', '--expires', '91d'],
    ['fleet', 'invite', '--uses', 'many'],
    ['fleet', 'invite', '--uses', '0'],
    ['fleet', 'invite', '--role', 'king'],
    ['restore', '--into', 'x', '--snapshot', '0'],
    ['restore', '--into', 'x', '--snapshot', 'newest'],
    ['restore', '--into', 'x', '--root', 'y'],
    ['restore', '--root', 'x', '--strip'],
    ['restore', '--into', 'x', '--on-conflict', 'ask'],
    ['restore', '--into', 'x', '--map-user', 'ann'],
    ['restore', '--into', 'x', '--map-user', 'ann=bob=carl'],
    ['restore', '--into', 'x', '--map-user', 'ann=a/b', '--store', 'y'],
    ['restore', '--into', 'x', '--passphrase-file', '/dev/null'],
    ['restore', '--into', 'x', '--store', 'y', '--passphrase-file', '/dev/null'],
    ['capture', '/etc', '--for', 'x', '--passphrase-file', '/dev/null'],
    ['capture', '/etc', '--store', 'x', '--points', 'y'],
    ['undo', 'one', 'two'],
    ['store', 'bogus'],
    ['store', 'ls'],
    ['store', 'extract', 'x', '/y'],
    ['store', 'export', 'x', '--out', 'y'],
    ['store', 'export', 'x', '--out', 'y', '--recipient', 'age1', '--passphrase-out-file', 'z'],
    ['store', 'prune', 'x', '--keep-last', '0'],
  ]) {
    failure(await run('--json', '--home', home, ...args), 2, 'usage');
  }
});

test('options that are wrong are named, never ignored', async () => {
  for (const [option, value] of [
    ['--identity', 'other'],
    ['--on-conflict', 'never'],
  ]) {
    const { message } = failure(
      await run('restore', '--into', 'x', option!, value!, '--json', '--home', home),
      2,
      'usage',
    );
    assert.ok(message.includes(option!));
  }
  const { message } = failure(await run('send', '--areas', 'attic', '--json', '--home', home), 2, 'usage');
  assert.match(message, /attic/);
  for (const args of [
    ['capture', '/etc', '--for', 'x', '--replicas', 'two'],
    ['capture', '/etc', '--for', 'x', '--sometimes'],
    ['status', '--until', 'tomorrow'],
    ['associate', 'a', 'b', '--in-place'],
    ['associate', 'a', 'b', '--start'],
  ]) {
    const { message } = failure(await run(...args, '--json'), 2, 'usage');
    assert.match(message, /--|who shall have|number of copies/);
  }
});

test('a restore onto the machine itself needs a yes: without a terminal it is asked for', async () => {
  for (const more of [[], ['--store', scene.path('nothing')]]) {
    const { hint } = failure(await run('restore', ...more, '--json', '--home', home), 2, 'unconfirmed');
    assert.match(hint, /--into DIR.*--yes/);
  }
  failure(await run('restore', '--yes', '--json', '--home', home), 1, 'agent-not-running');
});

test('what opens a state is given by one way, and a file that is not there is named', async () => {
  const restore = (...more: string[]) => run('restore', '--into', 'x', ...more, '--json', '--home', home);
  const cases: [string[], number, string, RegExp][] = [
    [['--passphrase-file', 'p'], 2, 'usage', /--store DIR or with --recovery-file/],
    [['--recovery-file', 'r', '--recovery-code-file', 'c'], 2, 'usage', /do not go together/],
    [['--store', 's', '--recovery-code-file', 'c'], 2, 'usage', /not with --store/],
    [['--recovery-code-file', 'c'], 6, 'not-found', /the recovery code from c/],
    [['--recovery-file', 'r'], 2, 'usage', /passphrase of the recovery file/],
  ];
  for (const [args, status, code, message] of cases)
    assert.match(failure(await restore(...args), status, code).message, message);
});

test('common options stand before or after the command', async () => {
  for (const args of [
    ['--home', home, '--json', 'status'],
    ['status', '--home', home, '--json'],
    ['--json', 'status', '--home', home],
  ]) {
    const { message } = failure(await run(...args), 1, 'agent-not-running');
    assert.match(message, /nobody/);
  }
  for (const args of [
    ['--home', home, '--json', 'fleet', 'members'],
    ['fleet', '--home', home, 'members', '--json'],
    ['fleet', 'members', '--json', '--home', home],
  ]) {
    failure(await run(...args), 4, 'not-a-member');
  }
  const { last, status } = await scene.command(['fleet', 'members', '--json'], { env: { RESETTLE_HOME: home } }).ended;
  assert.equal(status, 4);
  assert.equal(last.code, 'not-a-member');
});

test('with --json an error is one line on standard output and the only thing there is', async () => {
  for (const args of [
    ['status', '--home', home],
    ['capture', '/etc', '--for', 'x', '--home', home],
    ['fleet', 'members', '--home', home],
    ['bogus'],
  ]) {
    const ended = await run(...args, '--json');
    assert.equal(ended.stderr, '', args.join(' '));
    assert.equal(ended.stdout, `${JSON.stringify(ended.last)}\n`);
    assert.equal(ended.last.event, 'error');
    assert.ok(!('stack' in ended.last));
  }
});

test('without --json an error is words on standard error, with a hint and no stack', async () => {
  const plain = await run('status', '--home', home);
  assert.equal(plain.status, 1);
  assert.equal(plain.stdout, '');
  assert.match(plain.stderr, /^resettle: no agent is running on .*\n {2}start one with "resettle agent".*\n$/);
  const verbose = await run('status', '--home', home, '--verbose');
  assert.match(verbose.stderr, /\n\s+at /);
});
