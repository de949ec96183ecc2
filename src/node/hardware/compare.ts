import type { AssociationId } from '../../common/ids.ts';
import { KIND_SHOWN, type Kind } from './attributes.ts';
import { type AttributeDigest, digestsOf, readDigests } from './digests.ts';
import type { HardwareFacts } from './facts.ts';

/** How much a comparison says: `weak` inside virtual machines and containers, `none` where nothing could be compared. */
export type Strength = 'strong' | 'weak' | 'none';

export interface MachineComparison {
  readonly verdict: 'same' | 'different' | 'unknown';
  readonly strength: Strength;
  /** What was found equal and what differs, as it is called in messages. */
  readonly equal: readonly string[];
  readonly differing: readonly string[];
}

/** Those that a maker sets once; a case is often exchanged, and its number often nobody's. */
const IDENTIFIERS: readonly Kind[] = ['uuid', 'serial', 'board'];

/**
 * Whether this is the machine whose digests were taken at the capture. The rule, over what both sides have:
 *
 * - `same`: of UUID, serial number and board at least one is equal and none differs; or some are equal, some differ, and
 *   at least half of the captured adapters are here; or there are none to compare, and at least half of the captured
 *   adapters, or the number of the case, are here.
 * - `different`: of these three none is equal and at least one differs; or there are none to compare, and no captured
 *   adapter is here.
 * - `unknown`: everything else.
 *
 * `digests` may come from anybody: what is malformed counts as nothing.
 */
export function compareMachine(
  digests: Uint8Array | null,
  facts: HardwareFacts,
  association: AssociationId,
): MachineComparison {
  const then = byKind(readDigests(digests ?? new Uint8Array(0)));
  const now = byKind(digestsOf(facts, association));
  const common = [...then.keys()].filter((kind) => now.has(kind));
  const equalOf = (kind: Kind): number => {
    const here = new Set(now.get(kind)?.map(({ digest }) => digest));
    return new Set(
      then
        .get(kind)
        ?.map(({ digest }) => digest)
        .filter((digest) => here.has(digest)),
    ).size;
  };
  const equal = common.filter((kind) => equalOf(kind) > 0);
  const differing = common.filter((kind) => equalOf(kind) === 0);
  const adapters = new Set(then.get('mac')?.map(({ digest }) => digest)).size;
  return {
    verdict: verdictOf({ equal, differing, halfOfAdapters: adapters > 0 && equalOf('mac') * 2 >= adapters }),
    strength: strengthOfKinds(common, then, now),
    equal: equal.map((kind) => KIND_SHOWN[kind]),
    differing: differing.map((kind) => KIND_SHOWN[kind]),
  };
}

interface Found {
  readonly equal: readonly Kind[];
  readonly differing: readonly Kind[];
  readonly halfOfAdapters: boolean;
}

function verdictOf({ equal, differing, halfOfAdapters }: Found): MachineComparison['verdict'] {
  const same = equal.some((kind) => IDENTIFIERS.includes(kind));
  const other = differing.some((kind) => IDENTIFIERS.includes(kind));
  if (same && !other) return 'same';
  if (other && !same) return 'different';
  if (halfOfAdapters) return 'same';
  // A board exchanged under guarantee has a new UUID, and a careless maker's boards all have one: neither is decided here.
  if (same && other) return 'unknown';
  if (equal.includes('chassis')) return 'same';
  return differing.includes('mac') ? 'different' : 'unknown';
}

type ByKind = ReadonlyMap<Kind, readonly AttributeDigest[]>;

function byKind(digests: readonly AttributeDigest[]): ByKind {
  return Map.groupBy(digests, ({ kind }) => kind);
}

function strengthOfKinds(common: readonly Kind[], ...sides: readonly ByKind[]): Strength {
  if (common.length === 0) return 'none';
  return sides.some((side) => [...side.values()].flat().some(({ virtual }) => virtual)) ? 'weak' : 'strong';
}
