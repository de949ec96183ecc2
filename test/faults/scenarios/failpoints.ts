/** Every failpoint, with somebody killed at each at least once, and what comes after. */
import assert from 'node:assert/strict';
import { FAILPOINTS } from '../../../src/common/failpoint.ts';
import { AREAS_POINTS, areasChain } from '../failpoints/areas-chain.ts';
import { CAPTURES_POINTS, capturesChain } from '../failpoints/captures-chain.ts';
import { DIRECT_POINTS, directChain } from '../failpoints/direct-chain.ts';
import { FOLDER_POINTS, folderChain } from '../failpoints/folder-chain.ts';
import { Ledger } from '../failpoints/ledger.ts';
import { MOVES_POINTS, movesChain } from '../failpoints/moves-chain.ts';
import type { Run, Scenario, Tally } from '../scenario.ts';

const CHAINS = [
  { name: 'folder', points: FOLDER_POINTS, chain: folderChain },
  { name: 'areas', points: AREAS_POINTS, chain: areasChain },
  { name: 'direct', points: DIRECT_POINTS, chain: directChain },
  { name: 'captures', points: CAPTURES_POINTS, chain: capturesChain },
  { name: 'moves', points: MOVES_POINTS, chain: movesChain },
] as const;

function isEachInAChain(): Promise<Tally> {
  const points = new Set<string>(CHAINS.flatMap((one) => one.points));
  const all = Object.keys(FAILPOINTS);
  const lacking = all.filter((name) => !points.has(name));
  assert.deepEqual(lacking, [], 'a failpoint is of use only where somebody is killed at it');
  return Promise.resolve({ failpoints: all.length });
}

export const scenarios: readonly Scenario[] = [
  { name: 'failpoints', about: 'every failpoint has its place in a chain of kills', gateRuns: 1, run: isEachInAChain },
  ...CHAINS.map(({ name, points, chain }) => ({
    name: `failpoints-${name}`,
    about: `killed at each of ${points.length} failpoints, and what follows ends right: ${name}`,
    gateRuns: 0,
    run: async (run: Run): Promise<Tally> => {
      const ledger = new Ledger(run);
      await chain(ledger);
      ledger.check(points);
      return { failpoints: ledger.killed.size };
    },
  })),
];
