/** What somebody on the network can do between the two, or beside them. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { generateKeyPair } from '@libp2p/crypto/keys';
import type { Connection, Stream } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { createLink, type Link, PING_PROTOCOL } from '../../src/node/link/libp2p-node.ts';
import { sayDecline } from '../../src/protocols/pair/decline.ts';
import { PAIR_PROTOCOL } from '../../src/protocols/pair/messages.ts';
import { TwoMachines } from './support/two-machines.ts';

/** Hands over everything that comes on one stream to another one, unchanged. */
function relay(from: Stream, to: Stream): void {
  from.addEventListener('message', ({ data }) => void to.send(data));
  from.addEventListener('close', () => void to.close().catch(() => {}));
}

describe('strangers beside a pairing', () => {
  let two: TwoMachines;
  const links: Link[] = [];
  beforeEach(() => {
    two = new TwoMachines();
  });
  afterEach(async () => {
    await two.close();
    for (const link of links.splice(0)) await link.stop();
  });

  async function stranger(): Promise<Link> {
    const privateKey = await generateKeyPair('Ed25519');
    const link = await createLink({ privateKey, listen: ['/ip4/127.0.0.1/tcp/0'], guard: (registrar) => registrar });
    await link.start();
    links.push(link);
    return link;
  }

  it('a man in the middle that relays every message of the pairing gets nothing, and costs both sides the attempt', async () => {
    const old = two.send();
    const { pairingCode, addresses } = await old.told.first('code');
    const [facingNew, facingOld] = [await stranger(), await stranger()];
    await facingNew.handle(PAIR_PROTOCOL, async (stream: Stream) => {
      const onward = await (await facingOld.dial(multiaddr(addresses[0]!))).newStream(PAIR_PROTOCOL);
      relay(stream, onward);
      relay(onward, stream);
    });
    const fresh = two.receive({ code: pairingCode }, { peer: facingNew.getMultiaddrs()[0]!.toString() });
    await assert.rejects(fresh.done, { code: 'refused' });
    const told = await old.told.first('attempt');
    assert.deepEqual([told.remote, told.attemptsLeft], [facingOld.peerId.toString(), 1]);
    assert.deepEqual(two.home('new').list('pairings'), []);
    await Promise.all([old.done, two.receive({ code: pairingCode }).done]);
  });

  it('identify and ping serve nobody, and a stranger that knows nothing is told nothing', async () => {
    const old = two.send();
    const { addresses } = await old.told.first('code');
    const connection = await (await stranger()).dial(multiaddr(addresses[0]!));
    const ping = await connection.newStream(PING_PROTOCOL);
    const closed = Promise.withResolvers<string>();
    ping.addEventListener('message', () => closed.resolve('answered'));
    ping.addEventListener('close', () => closed.resolve('closed'));
    if (ping.status === 'open') ping.send(new Uint8Array(32));
    else closed.resolve('closed');
    assert.equal(await closed.promise, 'closed');
    const { rooms } = two.ground('third');
    await assert.rejects(
      rooms.openDirect(connection, { session: new Uint8Array(64), signal: new AbortController().signal }),
      { code: 'refused' },
    );
  });

  it('neither the session with another key nor the key with another session lets anybody in, or says no for the person', async () => {
    const old = two.send();
    const { pairingCode, addresses } = await old.told.first('code');
    const asked = Promise.withResolvers<void>();
    const yes = Promise.withResolvers<void>();
    const fresh = two.receive(
      { code: pairingCode },
      {
        accept: async () => {
          asked.resolve();
          await yes.promise;
          return two.wish;
        },
      },
    );
    await asked.promise;
    await old.told.first('paired');
    const { KeptPairings } = await import('../../src/node/pairing/kept.ts');
    const { systemClock } = await import('../../src/common/clock.ts');
    const [kept] = new KeptPairings(two.home('old'), systemClock).list('sender', assert.fail);
    const { rooms } = two.ground('third');
    const signal = new AbortController().signal;
    const open = (connection: Connection, session: Uint8Array) => rooms.openDirect(connection, { session, signal });
    const thief = await (await stranger()).dial(multiaddr(addresses[0]!));
    await assert.rejects(open(thief, kept!.record.session), { code: 'refused' });
    await sayDecline(thief, kept!.record.session);
    const [own] = new KeptPairings(two.home('new'), systemClock).list('receiver', assert.fail);
    const again = await createLink({ privateKey: own!.privateKey, listen: [], guard: (registrar) => registrar });
    await again.start();
    links.push(again);
    const right = await again.dial(multiaddr(addresses[0]!));
    await assert.rejects(open(right, new Uint8Array(64)), { code: 'refused' });
    await sayDecline(right, new Uint8Array(64));
    yes.resolve();
    await Promise.all([old.done, fresh.done]);
  });
});
