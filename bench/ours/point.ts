import { join } from 'node:path';
import { AgentProcess } from '../../test/support/agents.ts';
import type { Contestant, Session } from '../contestant.ts';
import { resettle } from './command.ts';

/** Three agents on loopback: the state goes from the source to a point, and from there to the destination. */
export const oursByPoint: Contestant = {
  name: 'resettle',
  way: 'point',
  repeats: true,
  snapshots: true,
  async open(base: string, data: string): Promise<Session> {
    const store = join(base, 'states');
    const agents: AgentProcess[] = [];
    const home = (name: string): string[] => ['--home', join(base, name)];
    for (const name of ['point', 'source', 'destination']) {
      const more = name === 'point' ? ['--point', store, '--keep-free', '0MB'] : [];
      agents.push(await AgentProcess.start(name, join(base, name), more));
    }
    await resettle(['fleet', 'init', ...home('point'), '--name', 'bench']);
    const { token } = await resettle(['fleet', 'invite', ...home('point'), '--uses', '2']);
    for (const name of ['source', 'destination']) {
      await resettle(['fleet', 'join', '-', ...home(name)], { input: String(token) });
    }
    return {
      names: new Map(agents.map(({ name, pid }) => [pid, name])),
      store,
      async capture() {
        // Until it is stored: what others say of its safety afterwards is no part of the transfer.
        await resettle(['capture', data, ...home('source'), '--for', 'destination', '--wait', '0s']);
      },
      async restore(into) {
        await resettle(['restore', ...home('destination'), '--from', 'source', '--into', into, '--strip']);
      },
      async close() {
        await Promise.all(agents.map((agent) => agent.end('SIGTERM')));
      },
    };
  },
};
