import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { systemClock } from '../../src/common/clock.ts';
import { PAIRING_KEPT_MS } from '../../src/common/limits.ts';
import { KeptPairings } from '../../src/node/pairing/kept.ts';
import { noteUndone, type Undone } from '../../src/node/roles/destination/undone.ts';
import { WORDS } from '../../src/protocols/pair/words.ts';
import { AheadClock, TwoMachines } from './support/two-machines.ts';

/** The same number, and other words. */
function otherWords(code: string): string {
  const [number, first, second] = code.split('-');
  return [number, first, WORDS.find((word) => word !== second)].join('-');
}

function otherNumber(code: string): string {
  return `${code.startsWith('042') ? '043' : '042'}${code.slice(3)}`;
}

describe('from machine to machine by a code', () => {
  let two: TwoMachines;
  beforeEach(() => {
    two = new TwoMachines();
  });
  afterEach(() => two.close());

  const keptOf = (name: string, role: 'sender' | 'receiver') =>
    new KeptPairings(two.home(name), systemClock).list(role, assert.fail);

  it('finds the machine by the number, shows the offer, and both end with the same summary', async () => {
    const old = two.send();
    const { pairingCode, addresses } = await old.told.first('code');
    assert.match(pairingCode, /^\d{3}-[a-z]+-[a-z]+$/);
    assert.match(addresses[0]!, /^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/12D3KooW/);
    let wasAsked = 0;
    const fresh = two.receive(
      { code: pairingCode },
      {
        accept: async (proposal) => {
          wasAsked += 1;
          assert.equal(existsSync(two.wish.into), false);
          assert.deepEqual(proposal.paths, two.paths);
          assert.deepEqual([proposal.machineName, proposal.system, proposal.user], ['old', 'old OS', 'ann']);
          return two.wish;
        },
      },
    );
    const [sent, received] = await Promise.all([old.done, fresh.done]);
    assert.equal(wasAsked, 1);
    assert.deepEqual(two.control.taken, [0, 1, 2, 3, 4, 5]);
    for (const field of ['files', 'bytes', 'skipped', 'state', 'verified'] as const) {
      assert.equal(sent[field], received[field], field);
    }
    assert.equal(sent.machine, received.peerId);
    assert.equal(received.machine, sent.peerId);
    assert.deepEqual([sent.machineName, received.machineName], ['new', 'old']);
    assert.deepEqual([...keptOf('old', 'sender'), ...keptOf('new', 'receiver')], []);
    assert.deepEqual([...two.home('old').list('pairings'), ...two.home('new').list('pairings')], []);
  });

  it('takes the text of the QR code in place of the code', async () => {
    const old = two.send();
    const { scan } = await old.told.first('code');
    const fresh = two.receive({ code: scan });
    const [sent, received] = await Promise.all([old.done, fresh.done]);
    assert.equal(sent.files, received.files);
  });

  it('refuses wrong words at both sides, burns the code at the second failure, and keeps nothing', async () => {
    const old = two.send();
    const { pairingCode, addresses } = await old.told.first('code');
    const wrong = otherWords(pairingCode);
    await assert.rejects(two.receive({ code: wrong }).done, { code: 'refused', message: /not the one that it shows/ });
    const first = await old.told.first('attempt');
    assert.deepEqual([first.attemptsLeft, first.reason], [1, 'wrong-code']);
    assert.match(first.message, /other words were typed there; 1 attempt is left$/);
    const other = two.receive({ code: wrong }, { name: 'third', peer: addresses[0]! });
    await assert.rejects(other.done, { code: 'refused' });
    await assert.rejects(old.done, { code: 'refused', message: /burnt/ });
    assert.match((await old.told.first('attempt', ({ attemptsLeft }) => attemptsLeft === 0)).message, /is burnt$/);
    assert.deepEqual(two.home('old').list('pairings'), []);
  });

  it('keeps the code whole where another number is typed for a given address', async () => {
    const old = two.send();
    const { pairingCode, addresses } = await old.told.first('code');
    const wrong = two.receive({ code: otherNumber(pairingCode) }, { peer: addresses[0]! });
    await assert.rejects(wrong.done, { code: 'refused', message: /another code/ });
    const told = await old.told.first('attempt');
    assert.deepEqual([told.attemptsLeft, told.reason], [2, 'no-code']);
    await Promise.all([two.receive({ code: pairingCode }, { peer: addresses[0]! }).done, old.done]);
  });

  it('says that nobody shows the number, and that several do, without a guess', async () => {
    const nobody = two.receive({ code: '999-acid-zoom' }, { ground: { timing: { findMs: 100 } } });
    await assert.rejects(nobody.done, { code: 'not-found', message: /begins with 999/ });
    // The two machines draw the same code: the randomness that codes are drawn by, two bytes at a time, is the same.
    const random = (count: number): Uint8Array => (count === 2 ? Uint8Array.of(1, 7) : randomBytes(count));
    const both = ['old', 'older'].map((name) => two.send({ name, ground: { random } }));
    const codes = await Promise.all(both.map(async ({ told }) => (await told.first('code')).pairingCode));
    assert.equal(codes[0], codes[1]);
    const fresh = two.receive({ code: codes[0]! }, { ground: { timing: { gatherMs: 2_000, stepMs: 20_000 } } });
    await assert.rejects(fresh.done, { code: 'refused', message: /^2 machines say that their code begins with/ });
    for (const { told } of both) assert.ok(!told.events.some(({ event }) => event === 'attempt'));
  });

  it('tells the sender that the person there said no', async () => {
    const old = two.send();
    const { pairingCode } = await old.told.first('code');
    const fresh = two.receive({ code: pairingCode }, { accept: async () => undefined });
    await assert.rejects(fresh.done, { code: 'unconfirmed' });
    await assert.rejects(old.done, { code: 'refused', message: /the person at new said no/ });
    assert.deepEqual(
      [two.control.asks, two.home('old').list('pairings'), two.home('new').list('pairings')],
      [0, [], []],
    );
  });

  it('says before the first byte what is missing on the disk, and goes on without a code when there is room', async () => {
    const old = two.send();
    const { pairingCode } = await old.told.first('code');
    const full = { ...two.ground('new').rooms };
    const fresh = two.receive(
      { code: pairingCode },
      { accept: async () => ({ ...two.wish, into: '/proc/full' }), ground: { rooms: full } },
    );
    await assert.rejects(fresh.done, { code: 'failed', message: /are missing$/ });
    assert.equal(two.control.asks, 0);
    const [kept] = keptOf('new', 'receiver');
    await Promise.all([two.receive({ kept: kept!.id }).done, old.done]);
  });

  it('does not keep a target that nothing can be put into: another one can be named without a new code', async () => {
    const old = two.send();
    const { pairingCode } = await old.told.first('code');
    const file = `${two.paths[0]!}/note`;
    for (const into of [file, `${file}/below`]) {
      const by = keptOf('new', 'receiver').map(({ id }) => ({ kept: id }))[0] ?? { code: pairingCode };
      const accept = async () => ({ ...two.wish, into });
      await assert.rejects(two.receive(by, { accept }).done, { code: 'failed', message: /note is not a folder/ });
    }
    const [{ id, wish }] = keptOf('new', 'receiver') as [ReturnType<typeof keptOf>[0] & { wish?: unknown }];
    assert.equal(wish, undefined);
    await Promise.all([old.done, two.receive({ kept: id }).done]);
  });

  it('refuses an address that is none, before it waits for anybody there', async () => {
    const by = [{ code: '042-alive-tulip' }, { kept: '0123456789abcdef' }];
    for (const one of by) {
      for (const peer of ['192.168.1.20', '/ip4/1.2.3/tcp/1']) {
        await assert.rejects(two.receive(one, { peer }).done, { code: 'usage', message: /is not a multiaddr$/ });
      }
    }
  });

  it('goes on by itself after a broken connection, and says so on both sides', async () => {
    const old = two.send();
    const { pairingCode } = await old.told.first('code');
    let isBroken = false;
    two.control.beforePack = async (at) => {
      if (at !== 3 || isBroken) return;
      isBroken = true;
      await new Promise((done) => setTimeout(done, 50));
      throw new Error('the cable is out');
    };
    const fresh = two.receive({ code: pairingCode });
    await Promise.all([old.done, fresh.done]);
    assert.deepEqual(two.control.taken, [0, 1, 2, 3, 4, 5]);
    assert.ok(fresh.told.notes().includes('connection lost, waiting for old'), fresh.told.notes().join());
    assert.ok(fresh.told.notes().includes('old is back; it goes on'));
    assert.ok(old.told.notes().some((note) => note.startsWith('connection lost, waiting for new')));
    assert.ok(old.told.notes().includes('new is back; it goes on'));
  });

  it('waits for a receiver that was ended, and goes on with it by its kept pairing, asking nobody again', async () => {
    const old = two.send();
    const { pairingCode } = await old.told.first('code');
    const reached = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    two.control.beforePack = (at) => {
      if (at !== 3) return;
      reached.resolve();
      return go.promise;
    };
    const fresh = two.receive({ code: pairingCode });
    await reached.promise;
    fresh.end.abort(new Error('Ctrl-C'));
    await assert.rejects(fresh.done, { code: 'interrupted' });
    go.resolve();
    await old.told.first('note', ({ message }) => message.startsWith('connection lost, waiting for new'));
    const [kept] = keptOf('new', 'receiver');
    const again = two.receive({ kept: kept!.id }, { accept: () => assert.fail('asked again') });
    await Promise.all([old.done, again.done]);
    assert.deepEqual(two.control.taken, [0, 1, 2, 3, 4, 5]);
  });

  it('goes on as another restore where the person undid what had come', async () => {
    const old = two.send();
    const { pairingCode } = await old.told.first('code');
    two.control.beforePack = (at) => (at === 3 ? fresh.end.abort(new Error('Ctrl-C')) : undefined);
    const fresh = two.receive({ code: pairingCode });
    await assert.rejects(fresh.done, { code: 'interrupted' });
    two.control.beforePack = undefined;
    const [{ id, restoreId }] = keptOf('new', 'receiver') as [ReturnType<typeof keptOf>[0] & { restoreId: string }];
    const undone = { format: 1, restore: restoreId, state: null, snapshot: null, into: '/x', undoneAt: 'now', kept: 0 };
    noteUndone(two.home('new'), undone as Undone);
    const again = two.receive({ kept: id });
    const [, done] = await Promise.all([old.done, again.done]);
    assert.ok(done.restore !== null && done.restore > restoreId, `${done.restore}`);
  });

  it('goes on after the sender was ended, for the same PATHs, with the same keys and no code', async () => {
    const old = two.send();
    const { pairingCode, peerId } = await old.told.first('code');
    const reached = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    two.control.beforePack = (at) => {
      if (at !== 2) return;
      reached.resolve();
      return go.promise;
    };
    const fresh = two.receive({ code: pairingCode });
    await reached.promise;
    old.end.abort(new Error('Ctrl-C'));
    go.resolve();
    await assert.rejects(old.done, { code: 'interrupted', message: /new does not have everything yet/ });
    await fresh.told.first('note', ({ message }) => message === 'connection lost, waiting for old');
    const again = two.send();
    const [sent, received] = await Promise.all([again.done, fresh.done]);
    assert.equal(sent.peerId, peerId);
    assert.equal(received.machine, peerId);
    assert.ok(!again.told.events.some(({ event }) => event === 'code'));
    assert.match(again.told.notes()[0]!, /^goes on with what was begun for new at .*--new begins anew$/);
    assert.deepEqual(two.control.taken, [0, 1, 2, 3, 4, 5]);
  });

  it('takes no other plan than the one that was offered', async () => {
    const old = two.send();
    const { pairingCode } = await old.told.first('code');
    const reached = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    two.control.beforePack = (at) => {
      if (at !== 2) return;
      reached.resolve();
      return go.promise;
    };
    const fresh = two.receive({ code: pairingCode });
    await reached.promise;
    old.end.abort(new Error('Ctrl-C'));
    go.resolve();
    await assert.rejects(old.done, { code: 'interrupted' });
    const [kept] = keptOf('old', 'sender');
    writeFileSync(two.home('old').path('pairings', kept!.id, 'plan', 'descriptor'), randomBytes(40));
    const again = two.send();
    await assert.rejects(fresh.done, { code: 'damaged', message: /another plan than the one that it offered/ });
    again.end.abort(new Error('Ctrl-C'));
    await assert.rejects(again.done, { code: 'interrupted' });
  });

  it('serves one receiver at a time by a code, and nobody by the session alone', async () => {
    const old = two.send();
    const { pairingCode } = await old.told.first('code');
    const both = ['new', 'third'].map((name) => two.receive({ code: pairingCode }, { name }));
    const ends = await Promise.allSettled(both.map(({ done }) => done));
    assert.deepEqual(ends.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    const lost = ends.find((end) => end.status === 'rejected');
    assert.equal(lost?.reason.code, 'refused');
    await old.done;
  });

  it('ends with an expired code, by the clock that it is given', async () => {
    const clock = new AheadClock();
    const old = two.send({ ground: { clock } });
    const { pairingCode, addresses } = await old.told.first('code');
    clock.aheadMs = 11 * 60_000;
    const late = two.receive({ code: pairingCode }, { peer: addresses[0]! });
    await assert.rejects(late.done, { code: 'refused', message: /expired/ });
    await assert.rejects(old.done, { code: 'refused', message: /expired/ });
  });

  it('begins anew where it is told to, and where the kept pairing is over', async () => {
    const clock = new AheadClock();
    const old = two.send();
    const { pairingCode } = await old.told.first('code');
    two.control.beforePack = (at) => (at === 1 ? new Promise(() => {}) : undefined);
    const fresh = two.receive({ code: pairingCode });
    await old.told.first('paired');
    await fresh.told.first('offer');
    for (const { end } of [fresh, old]) end.abort(new Error('Ctrl-C'));
    await Promise.allSettled([fresh.done, old.done]);
    assert.equal(keptOf('old', 'sender').length, 1);
    const anew = two.send({ isNew: true });
    assert.notEqual((await anew.told.first('code')).pairingCode, undefined);
    anew.end.abort(new Error('Ctrl-C'));
    await assert.rejects(anew.done);
    clock.aheadMs = PAIRING_KEPT_MS;
    const late = two.send({ ground: { clock } });
    await late.told.first('code');
    assert.equal(two.home('old').list('pairings').length, 1);
  });
});
