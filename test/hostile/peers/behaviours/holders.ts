/** A point that lies to a real destination. What is not seen here: test/node/destination/{restore,holder-source}.test.ts. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Ended } from '../../../support/agents.ts';
import type { Behaviour } from '../behaviour.ts';
import { EvilHolder } from '../evil-holder.ts';

const member = { who: 'point', isSlow: true } as const;
const NEVER = new Promise<never>(() => {});

/** The restore comes to its end by the honest point, and says what it saw of the other. */
const restoredBeside =
  (spoil: (evil: EvilHolder) => void, says?: RegExp): Behaviour['run'] =>
  async (stage) => {
    const evil = await EvilHolder.open(stage);
    try {
      spoil(evil);
      const ended = await evil.restore();
      isWhole(evil, ended);
      if (says) assert.match(ended.stdout, says);
      stage.assertUnharmed(stage.scene.running('desk'));
    } finally {
      await evil.end();
    }
  };

function isWhole(evil: EvilHolder, { status, stdout, stderr }: Ended): void {
  assert.equal(status, 0, stdout + stderr);
  assert.deepEqual(evil.differences(), []);
}

export const holders: readonly Behaviour[] = [
  {
    ...member,
    protocol: 'point',
    name: 'says that it has a newer snapshot, and gives bytes that no source signed',
    must: 'it is left aside and named; the honest one is restored',
    run: restoredBeside(({ point }) => {
      point.snapshots.set(9, randomBytes(5000));
    }, /snapshot 9 of \S+ was left aside/),
  },
  {
    ...member,
    protocol: 'point',
    name: 'says that it has a newer snapshot, and gives the older one for it',
    must: 'it is left aside and named; the honest one is restored',
    run: restoredBeside(({ point }) => {
      point.snapshots.set(9, point.snapshots.get(1)!);
    }, /snapshot 9 of \S+ was left aside/),
  },
  {
    ...member,
    protocol: 'point',
    name: 'says that it has a newer snapshot, and breaks every question for it off',
    must: 'the restore ends in time, names it, and tells how the older one is taken; nothing older is taken by itself',
    async run(stage) {
      const evil = await EvilHolder.open(stage);
      try {
        evil.point.claims = [9];
        evil.point.beforeAnswer = async (question) => {
          if (question === 'snapshot') throw new Error('broken off');
        };
        const { last } = await evil.restore();
        assert.equal(last.event, 'error');
        assert.match(String(last.message), new RegExp(`${evil.name} said that snapshot 9 .* does not answer any more`));
        assert.match(String(last.hint), /--snapshot 1/);
        evil.point.beforeAnswer = async () => {};
        isWhole(evil, await evil.restore(['--snapshot', '1']));
        stage.assertUnharmed(stage.scene.running('desk'));
      } finally {
        await evil.end();
      }
    },
  },
  {
    ...member,
    protocol: 'point',
    name: 'lists a thousand states that there are not',
    must: 'none of them is taken for one of this machine; the honest one is restored',
    run: restoredBeside(({ point }) => {
      const one = { association: 'ab'.repeat(32), snapshots: [1], bytes: 2 ** 50, partial: false };
      point.says = Array.from({ length: 1000 }, () => ({ ...one, state: randomBytes(32).toString('hex') }));
    }),
  },
  {
    ...member,
    protocol: 'point',
    name: 'lists more states under the association of this machine, which no source made',
    must: 'what its source made is taken; the honest one is restored',
    run: restoredBeside(({ point }) => {
      const one = { association: point.association, snapshots: [7], bytes: 1, partial: false };
      point.says = Array.from({ length: 5 }, () => ({ ...one, state: randomBytes(32).toString('hex') }));
    }),
  },
  {
    ...member,
    protocol: 'blocks',
    name: 'gives wrong bytes for every pack',
    must: 'nothing of them is used, it is named and not asked again; the honest one gives all',
    run: restoredBeside(({ point }) => point.damage(), /gave wrong bytes/),
  },
  {
    ...member,
    protocol: 'blocks',
    name: 'opens the transfer, and never gives a pack',
    must: 'it is left after the stall time; the honest one gives all',
    run: restoredBeside(({ point }) => {
      point.beforePack = () => NEVER;
    }),
  },
  {
    ...member,
    protocol: 'blocks',
    name: 'says that it has every pack, and has none when it is asked',
    must: 'the honest one gives all',
    run: restoredBeside(({ point }) => {
      const ids = new Set(point.packs.keys());
      point.packs.clear();
      point.pretends = ids;
    }),
  },
];
