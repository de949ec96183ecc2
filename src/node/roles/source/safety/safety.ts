/**
 * "Safe to wipe" (T9) as a pure function of the evidence. Everything that is not shown by evidence counts as missing, and
 * evidence grows old.
 */
import type { PeerIdText } from '../../../../common/ids.ts';

/** One member that has, or should have, packs of a snapshot. */
export interface HolderEvidence {
  readonly peerId: PeerIdText;
  readonly name: string;
  /** What it claims to run on; null: nothing to tell by. */
  readonly machine: string | null;
  readonly isActive: boolean;
  /** What it has signed of exactly this snapshot; undefined: nothing. */
  readonly says: 'held' | 'damaged' | 'deleted' | undefined;
  /** When the source read packs back from it and opened them; undefined: never. */
  readonly readAtMs: number | undefined;
  /** Whether it told the source that it has the pack with that index. */
  has(pack: number): boolean;
}

/** One member that was given a share of the key. */
export interface ShareEvidence {
  readonly name: string;
  /** It has signed that it keeps the very share that it was given. */
  readonly confirmed: boolean;
  /** Why that share counts for nothing all the same; undefined: it counts. */
  readonly lost: string | undefined;
}

/** How the key survives the wipe. */
export type KeyEvidence =
  | {
      readonly way: 'trial';
      /** Undefined: not named yet. */
      readonly destination: string | undefined;
      /** When this source learned of its newest trial of exactly this snapshot, and which holders it tried. */
      readonly triedAtMs: number | undefined;
      readonly tried: readonly PeerIdText[];
    }
  | {
      readonly way: 'shares';
      readonly needed: number;
      /** Where none were given out: undefined. The source has recombined k of them when it gave them out. */
      readonly givenAtMs: number | undefined;
      readonly holders: readonly ShareEvidence[];
    }
  /** A recovery key or code that nobody has tried. */
  | { readonly way: 'untried'; readonly what: string };

export interface SafetyInput {
  readonly nowMs: number;
  readonly lifeMs: number;
  readonly replicas: number;
  readonly packs: number;
  /** The machine that is to be wiped. */
  readonly wiped: { readonly peerId: PeerIdText; readonly machine: string | null };
  readonly holders: readonly HolderEvidence[];
  readonly key: KeyEvidence;
  /** Machines whose states nobody could open any more without the share that the machine to be wiped keeps. */
  readonly neededBy: readonly string[];
}

export interface Safety {
  readonly safe: boolean;
  /** Until when; 0 where it is not safe. */
  readonly untilMs: number;
  /** Complete copies that are verified, on distinct machines. */
  readonly copies: number;
  /** What is missing, each in a sentence; empty exactly where it is safe. */
  readonly missing: readonly string[];
}

export function safety(input: SafetyInput): Safety {
  const { nowMs, lifeMs, replicas, key } = input;
  // Evidence from the future is of a clock that was set back: it proves nothing.
  const isFresh = (atMs: number | undefined): atMs is number =>
    atMs !== undefined && atMs <= nowMs && nowMs - atMs < lifeMs;
  const missing: string[] = [];
  const good: HolderEvidence[] = [];
  const lacks: string[] = [];
  for (const holder of input.holders) {
    const lack = lackOfHolder(holder, input, isFresh);
    if (lack === undefined) good.push(holder);
    else lacks.push(lack);
  }
  const copies = copiesOf(good, input.packs);
  if (copies < replicas) {
    missing.push(...lacks, `${copies} of ${replicas} ${replicas === 1 ? 'copy is' : 'copies are'} verified`);
  }
  const keyAtMs = keyLack(key, isFresh, missing);
  for (const name of input.neededBy) {
    missing.push(`without the share that this machine keeps, ${name} cannot get its state back`);
  }
  const safe = missing.length === 0;
  const times = [...good.map(({ readAtMs }) => readAtMs!), ...(keyAtMs === undefined ? [] : [keyAtMs])];
  return { safe, untilMs: safe ? Math.min(...times) + lifeMs : 0, copies, missing };
}

function lackOfHolder(
  holder: HolderEvidence,
  { wiped, key }: SafetyInput,
  isFresh: (atMs: number | undefined) => boolean,
): string | undefined {
  const { name, machine, says } = holder;
  if (!holder.isActive) return `${name} is no active member`;
  if (holder.peerId === wiped.peerId || (machine !== null && machine === wiped.machine)) {
    return `${name} is on the machine that is to be wiped`;
  }
  if (says === 'damaged') return `${name} says that its copy is damaged`;
  if (says === 'deleted') return `${name} has deleted its copy`;
  if (says === undefined) return `${name} has not signed that it holds this snapshot`;
  if (holder.readAtMs === undefined) return `nothing was read back from ${name}`;
  if (!isFresh(holder.readAtMs)) return `what was read back from ${name} is too old`;
  if (key.way === 'trial' && key.destination !== undefined && isFresh(key.triedAtMs)) {
    if (!key.tried.includes(holder.peerId)) return `${key.destination} has not opened it from ${name}`;
  }
  return undefined;
}

/** How often the whole snapshot is there, if each machine counts once: as often as its rarest pack. */
function copiesOf(holders: readonly HolderEvidence[], packs: number): number {
  const machines = Map.groupBy(holders, ({ peerId, machine }) => machine ?? peerId);
  let copies = machines.size;
  for (let pack = 0; pack < packs && copies > 0; pack++) {
    let having = 0;
    for (const agents of machines.values()) if (agents.some((agent) => agent.has(pack))) having += 1;
    copies = Math.min(copies, having);
  }
  return packs === 0 ? 0 : copies;
}

/** Says in `missing` what keeps the key from surviving; returns since when it is known to. */
function keyLack(
  key: KeyEvidence,
  isFresh: (atMs: number | undefined) => atMs is number,
  missing: string[],
): number | undefined {
  switch (key.way) {
    case 'untried':
      missing.push(`nobody has tried ${key.what}`);
      return undefined;
    case 'trial':
      if (key.destination === undefined)
        missing.push('the destination is not named yet, so it cannot have tried its key');
      else if (key.triedAtMs === undefined) missing.push(`${key.destination} has not tried to open it`);
      else if (!isFresh(key.triedAtMs)) missing.push(`the trial of ${key.destination} is too old`);
      return key.triedAtMs;
    case 'shares': {
      if (key.givenAtMs === undefined) missing.push('no shares of the key were given out');
      else if (!isFresh(key.givenAtMs)) missing.push('the shares of the key were checked too long ago');
      const counting = key.holders.filter(({ lost }) => lost === undefined);
      for (const { name, confirmed } of counting) {
        if (!confirmed) missing.push(`${name} has not signed that it keeps its share of the key`);
      }
      if (key.givenAtMs !== undefined && counting.length < key.needed) {
        for (const { name, lost } of key.holders) if (lost !== undefined) missing.push(`${name} ${lost}`);
        missing.push(`${counting.length} of ${key.needed} shares of the key are out`);
      }
      return key.givenAtMs;
    }
  }
}
