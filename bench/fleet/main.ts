/** What a large fleet costs, and how fast news goes. `npm run bench:fleet -- --help` says what there is. */
import { parseArgs } from 'node:util';
import { measureGrowth } from './growth.ts';
import { measureMemory } from './memory.ts';
import { measureProcesses } from './processes.ts';
import { simulate } from './simulation.ts';

const USAGE = `usage: npm run bench:fleet -- [--memory] [--simulation] [--growth] [--processes]
  --memory          memory, time to open, and the longest block, of one agent's records
  --members LIST    for --memory: 2000,5000    --associations LIST  10000,25000
  --simulation      agents in one process over links in memory
  --sizes LIST      200    --settle, --measure, --records as below
  --growth          hops of one record: real spreading over stores that only keep
  --counts LIST     200,500,1000,5000
  --processes       real agents on a loopback of their own (root, iproute2)
  --agents N        24    --settle SECONDS  60    --measure SECONDS  120    --records N  20
`;

const { values } = parseArgs({
  options: {
    memory: { type: 'boolean', default: false },
    members: { type: 'string', default: '2000,5000' },
    associations: { type: 'string', default: '10000,25000' },
    simulation: { type: 'boolean', default: false },
    sizes: { type: 'string', default: '200' },
    growth: { type: 'boolean', default: false },
    counts: { type: 'string', default: '200,500,1000,5000' },
    processes: { type: 'boolean', default: false },
    agents: { type: 'string', default: '24' },
    settle: { type: 'string', default: '60' },
    measure: { type: 'string', default: '120' },
    records: { type: 'string', default: '20' },
    help: { type: 'boolean', default: false },
  },
});

const numbers = (list: string): number[] => list.split(',').map(Number);

const times = {
  settleMs: Number(values.settle) * 1000,
  measureMs: Number(values.measure) * 1000,
  records: Number(values.records),
};

if (values.help || !(values.memory || values.simulation || values.growth || values.processes))
  process.stdout.write(USAGE);
if (values.memory) {
  for (const [index, members] of numbers(values.members).entries()) {
    const associations = numbers(values.associations)[index] ?? members * 5;
    for (const events of [0, 2]) {
      process.stdout.write(`${members} members, ${associations} associations, ${events} events each\n`);
      measureMemory({ members, associations, events, sealedBytes: 400 });
    }
  }
}
if (values.simulation) {
  for (const agents of numbers(values.sizes)) {
    process.stdout.write(`${agents} simulated agents\n`);
    await simulate({ agents, ...times });
  }
}
if (values.growth) for (const count of numbers(values.counts)) await measureGrowth(count);
if (values.processes) {
  process.stdout.write(`${values.agents} agents\n`);
  await measureProcesses({
    agents: Number(values.agents),
    ...times,
  });
}
