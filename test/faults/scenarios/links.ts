/** A cable that is pulled, slowed to a crawl, loses one direction, or brings another address, amid a capture and a restore. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from '../../support/agents.ts';
import { Cable } from '../../support/cable.ts';
import { compareTrees } from '../../support/compare-trees.ts';
import { makeBulk } from '../../support/trees.ts';
import type { Run, Scenario } from '../scenario.ts';
import { checkSalts } from '../support/pack-salts.ts';
import { SmallFleet } from '../support/small-fleet.ts';
import { makeSmallTree } from '../support/small-tree.ts';
import { checkStore } from '../support/store-invariants.ts';

const MEGABYTES = 24;
/** Some 10 s for all of it. */
const RATE = '20mbit';
const CRAWL = '64kbit';
const FAULTS_MAX = 3;
/** Below what a capture and a restore wait for a holder. */
const FAULT_MAX_MS = 12_000;

type End = 'old' | 'new';

const PEER: Readonly<Record<End, 'oldAddress' | 'newAddress'>> = { old: 'newAddress', new: 'oldAddress' };
/** Nobody has it: what goes there is lost, while the other direction works. */
const NOBODY = '02:00:00:00:00:01';

/** By tbf alone: netem is not in every kernel. */
function setRate(cable: Cable, end: End, rate: string): void {
  const filter = ['tbf', 'rate', rate, 'burst', rate === RATE ? '1mb' : '4kb', 'latency', '50ms'];
  execFileSync('tc', ['-n', cable[end].name, 'qdisc', 'replace', 'dev', cable.device, 'root', ...filter]);
}

type Fault = (cable: Cable, forMs: number, end: End) => Promise<void>;

const FAULTS: Readonly<Record<string, Fault>> = {
  'is pulled': async (cable, forMs) => {
    cable.pull();
    await sleep(forMs);
    await cable.plug();
  },
  crawls: async (cable, forMs, end) => {
    setRate(cable, end, CRAWL);
    await sleep(forMs);
    setRate(cable, end, RATE);
  },
  'loses one direction': async (cable, forMs, end) => {
    const there = cable[PEER[end]];
    cable[end].ip('neigh', 'replace', there, 'lladdr', NOBODY, 'dev', cable.device, 'nud', 'permanent');
    await sleep(forMs);
    cable[end].ip('neigh', 'del', there, 'dev', cable.device);
  },
};

async function links(run: Run): Promise<Record<string, number>> {
  const { random, dir } = run;
  const tree = makeBulk(makeSmallTree(join(dir, 'tree'), random), MEGABYTES);
  const cable = new Cable();
  const namespaces = { nas: cable.old.name, laptop: cable.new.name, desk: cable.new.name };
  const fleet = new SmallFleet(run, { namespaces, device: cable.device });
  const tally: Record<string, number> = {};
  let isReaddressed = false;
  const strike = async (during: Command): Promise<void> => {
    for (let count = random.integer(FAULTS_MAX) + 1; count > 0 && during.running; count -= 1) {
      await Promise.race([sleep(random.integer(4000)), during.ended]);
      if (!during.running) return;
      const what = random.pick([...Object.keys(FAULTS), 'has another address']);
      const forMs = random.integer(FAULT_MAX_MS);
      const end = random.pick(['old', 'new'] as const);
      run.note(`the cable ${what}, at the ${end} end, for ${forMs} ms`);
      tally[`times that the cable ${what}`] = (tally[`times that the cable ${what}`] ?? 0) + 1;
      if (FAULTS[what]) await FAULTS[what](cable, forMs, end);
      else if (!isReaddressed) {
        isReaddressed = true;
        cable.readdress('10.79.1.77');
      }
    }
  };
  /** The same command again, as a person would give it, until it is done; each failure must say what is the matter. */
  const untilDone = async (name: 'laptop' | 'desk', args: readonly string[]): Promise<void> => {
    for (let tries = 1; ; tries += 1) {
      const command = fleet.begun(name, args);
      const [ended] = await Promise.all([command.ended, tries === 1 ? strike(command) : undefined]);
      if (ended.status === 0) return;
      const said = `${args[0]}: ${JSON.stringify(ended.last)} ${ended.stderr}`;
      run.note(said);
      assert.ok(ended.status === 1 || ended.status === 5 || ended.status === 6, said);
      assert.ok(typeof ended.last.hint === 'string' && ended.last.hint !== '', said);
      assert.ok(tries < 5, said);
    }
  };
  try {
    await cable.connect(RATE);
    await fleet.begin();
    await untilDone('laptop', ['capture', tree, '--for', 'desk', '--wait', '0s']);
    const into = join(dir, 'into');
    await untilDone('desk', ['restore', '--from', 'laptop', '--into', into, '--strip']);
    assert.deepEqual(compareTrees(tree, into).differences, []);
    await fleet.end();
    await checkStore(fleet.store);
    checkSalts(fleet.store);
    return { ...tally, 'moves over a bad cable': 1 };
  } finally {
    await fleet.end();
    cable[Symbol.dispose]();
  }
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'links',
    about: 'A cable is cut, slowed, loses one direction, or has another address, amid a move',
    gateRuns: 0,
    run: links,
  },
];
