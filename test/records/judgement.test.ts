/** What is kept up to date record by record is what a look at all records gives. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import fc from 'fast-check';
import { previousOf } from '../../src/state/records/chain.ts';
import { Holdings } from '../../src/state/records/holdings.ts';
import type { StoredRecord } from '../../src/state/records/index.ts';
import { Judgement } from '../../src/state/records/judgement.ts';
import { Keeper, type Kept } from '../../src/state/records/known.ts';
import { whyNoPlace } from '../../src/state/records/place.ts';
import { isLasting } from '../../src/state/records/record.ts';
import { RecordSet } from '../../src/state/records/record-set.ts';
import { rosterOf } from '../../src/state/records/roster.ts';
import { type BusyFleet, busyFleet } from './busy-fleet.ts';
import { textOf } from './machines.ts';

let busy: BusyFleet;

before(async () => {
  busy = await busyFleet();
});

/** Some of the records in any order, in groups after each of which all is settled. */
const histories = () =>
  fc
    .tuple(
      fc.shuffledSubarray(
        busy.records.map((_, index) => index),
        { minLength: Math.floor(busy.records.length * 0.6) },
      ),
      fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 5 }),
    )
    .map(([order, sizes]) => {
      const groups: StoredRecord[][] = [];
      for (let at = 0, i = 0; at < order.length; i += 1) {
        const size = sizes[i % sizes.length]!;
        groups.push(order.slice(at, at + size).map((index) => busy.records[index]!));
        at += size;
      }
      return groups;
    });

/** Takes whatever it is given, whether it has a place or not: no order is too strange. */
function holdingsOf(groups: readonly StoredRecord[][], after: (holdings: Holdings) => void): void {
  const set = new RecordSet();
  const holdings = new Holdings(set, busy.fleet.fleetId);
  const keeper = new Keeper(set, () => assert.fail('nothing is read in full'));
  let number = 0;
  for (const group of groups) {
    const kept = group.map((record) => {
      number += 1;
      const one = keeper.keep(record, number);
      holdings.take(one);
      return one;
    });
    holdings.settle(kept);
    after(holdings);
  }
}

function saying(judgement: Judgement, set: RecordSet): string {
  const events = [...set.dossiers.all()].map((dossier) => [
    dossier.id,
    judgement.migrations.countingEvents(dossier).map(({ hash }) => hash),
  ]);
  const roster = rosterOf(judgement, busy.fleet.fleetId);
  return textOf(roster) + JSON.stringify(events.filter(([, list]) => list!.length > 0).sort());
}

/** As the rule says it: take away what has no place or comes after a gap, until nothing changes. */
function passedOn(all: readonly Kept[]): Set<string> {
  for (let kept = all; ; ) {
    const set = new RecordSet();
    for (const record of kept) set.add(record);
    const judgement = new Judgement(set);
    const around = {
      fleetId: busy.fleet.fleetId,
      membership: judgement.membership,
      association: judgement.migrations.get.bind(judgement.migrations),
      isAdmitted: (peer: never, recipient: string) =>
        set.admissionsOf(peer).some(({ body }) => body.ageRecipient === recipient),
    };
    const isWhole = (record: Kept): boolean => {
      for (let at: ReturnType<typeof previousOf> | Kept = record; at; at = previousOf(set.byHash, at)) {
        if (at.header.previous !== null && !previousOf(set.byHash, at)) return false;
      }
      return true;
    };
    const next = kept.filter((record) => (!isLasting(record) || isWhole(record)) && !whyNoPlace(record, around));
    if (next.length === kept.length) return new Set(kept.map(({ hash }) => hash));
    kept = next;
  }
}

describe('a judgement', () => {
  it('is the same after any history as one that looks at all records at once', () => {
    fc.assert(
      fc.property(histories(), (groups) => {
        holdingsOf(groups, ({ judgement, set }) => {
          assert.equal(saying(judgement, set), saying(new Judgement(set), set));
        });
      }),
      { numRuns: 150 },
    );
  });
});

describe('what is passed on', () => {
  it('is, after any history, what a log with nothing else would take', () => {
    fc.assert(
      fc.property(histories(), (groups) => {
        holdingsOf(groups, ({ set, fingerprints }) => {
          const expected = passedOn([...set.byHash.values()]);
          assert.deepEqual(new Set(fingerprints.entries('').map(({ hash }) => hash)), expected);
        });
      }),
      { numRuns: 100 },
    );
  });

  it('has fingerprints that follow from it alone, at every depth', () => {
    fc.assert(
      fc.property(histories(), (groups) => {
        holdingsOf(groups, ({ set, fingerprints }) => {
          const fresh = new RecordSet();
          const other = new Holdings(fresh, busy.fleet.fleetId);
          const passed = fingerprints.entries('');
          for (const record of [...passed].reverse()) other.take(record);
          other.settle(passed);
          for (const prefix of ['', ...passed.map(({ hash }) => hash.slice(0, 2)), passed[0]?.hash.slice(0, 6) ?? '']) {
            assert.deepEqual(other.fingerprints.summary(prefix), fingerprints.summary(prefix), prefix);
          }
          assert.equal(fingerprints.summary('').count, passed.length);
          assert.ok(set.byHash.size >= passed.length);
        });
      }),
      { numRuns: 40 },
    );
  });
});
