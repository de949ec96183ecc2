import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Namespace, namespacesMissing } from '../discovery/support/namespace.ts';
import { Command, resettle } from '../support/agents.ts';
import { compareTrees } from '../support/compare-trees.ts';
import { makeHome } from '../support/trees.ts';

/** An agent on a network of its own, with the port that a firewall is opened for. */
async function agentIn(namespace: Namespace, home: string, more: readonly string[]): Promise<Command> {
  const args = ['agent', '--home', home, '--interface', 'cable', '--json', ...more];
  const command = new Command(args, { namespace: namespace.name });
  await command.event(({ event }) => event === 'ready');
  return command;
}

test('behind a router, where no multicast passes, an address given with --peer is enough', {
  skip: namespacesMissing(),
}, async (t) => {
  const base = mkdtempSync(join(tmpdir(), 'resettle-test-'));
  const [near, router, far] = [new Namespace(), new Namespace(), new Namespace()];
  const agents: Command[] = [];
  t.after(async () => {
    for (const agent of agents) agent.kill('SIGTERM');
    await Promise.all(agents.map(({ ended }) => ended));
    for (const namespace of [near, router, far]) namespace[Symbol.dispose]();
    rmSync(base, { recursive: true, force: true });
  });
  await near.joinTo(router, 'cable', '10.77.1.2/24', '10.77.1.1/24');
  // The router has one cable of that name already: the second is renamed while it is down.
  router.ip('link', 'set', 'cable', 'down');
  router.ip('link', 'set', 'cable', 'name', 'first');
  router.ip('link', 'set', 'first', 'up');
  await far.joinTo(router, 'cable', '10.77.2.2/24', '10.77.2.1/24');
  near.ip('route', 'add', '10.77.2.0/24', 'via', '10.77.1.1');
  far.ip('route', 'add', '10.77.1.0/24', 'via', '10.77.2.1');
  router.sysctl('net.ipv4.ip_forward=1');

  const home = (name: string): string[] => ['--home', join(base, name)];
  await resettle(['fleet', 'init', ...home('near'), '--name', 'routed']);
  // Made before the agent runs, so that the invite itself brings no address.
  const { token } = await resettle(['fleet', 'invite', ...home('near')]);
  agents.push(
    await agentIn(near, join(base, 'near'), ['--name', 'near', '--point', join(base, 'states'), '--keep-free', '0MB']),
  );
  agents.push(await agentIn(far, join(base, 'far'), ['--name', 'far', '--peer', '/ip4/10.77.1.2/tcp/24717']));
  assert.deepEqual((await resettle(['peers', ...home('far')])).peers, [], 'multicast does not pass');
  const { admitted } = await resettle(['fleet', 'join', '-', ...home('far')], { input: String(token) });
  assert.equal(admitted, true);

  const source = makeHome(join(base, 'ann'));
  await resettle(['capture', source, ...home('far'), '--for', 'near'], { mayLeaveOut: true });
  const into = join(base, 'restored');
  await resettle(['restore', ...home('near'), '--from', 'far', '--into', into, '--strip'], { mayLeaveOut: true });
  assert.deepEqual(compareTrees(source, into).differences, []);
});
