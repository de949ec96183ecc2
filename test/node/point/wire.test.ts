import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { createLink } from '../../../src/node/link/libp2p-node.ts';
import { BlocksSink, BlocksSource } from '../../../src/protocols/blocks/client.ts';
import { FRAME } from '../../../src/protocols/blocks/frame.ts';
import { FrameStream } from '../../../src/protocols/blocks/frame-stream.ts';
import { BLOCKS_PROTOCOL, BlocksOpen } from '../../../src/protocols/blocks/messages.ts';
import { serveBlocks } from '../../../src/protocols/blocks/server.ts';
import { PointClient, servePoint } from '../../../src/protocols/point/point.ts';
import { connect } from '../../protocols/support.ts';
import type { Machine } from '../../records/machines.ts';
import { type Capture, commitOf, eventually, NEVER, Office, somePacks } from './support/office.ts';

async function startLink(t: Parameters<typeof Office.open>[0], of: Machine) {
  const link = await createLink({
    privateKey: of.key,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    guard: (registrar) => registrar,
  });
  await link.start();
  t.after(async () => {
    await link.stop();
  });
  return link;
}

/** A point behind its real protocols on loopback, and its source and destination as they reach it. */
async function onTheWire(t: Parameters<typeof Office.open>[0], bytes: number) {
  const office = await Office.open(t, 1);
  const point = office.points[0]!;
  await point.start();
  const server = await startLink(t, point.machine);
  const refused = (error: unknown, peer: string): void => point.role.noteRefusal(error, peer);
  await servePoint(server, { onPointRequest: (...args) => point.role.onPointRequest(...args) }, refused);
  await serveBlocks(server, { openBlocks: (...args) => point.role.openBlocks(...args) }, refused);
  const fromSource = await connect(await startLink(t, office.source), server);
  const fromDestination = await connect(await startLink(t, office.destination), server);
  const association = await office.associate();
  const capture = await office.snapshot(association, somePacks(1000, 2000));
  const client = new PointClient(fromSource, 'point');
  const reserve = () =>
    client.reserve({ association: office.envelope(association), state: capture.state, bytes, copy: false }, NEVER);
  const { lease } = await reserve();
  const target = { connection: fromSource, name: 'point', state: capture.state };
  return { office, point, client, reserve, lease, target, fromSource, fromDestination, capture };
}

const closed = ({ point, capture }: { point: Office['points'][0]; capture: Capture }) =>
  eventually('the state is closed', () => (point.held(capture.state)?.door ?? 'closed') === 'closed' || undefined);

test('a source that overruns its lease is told so, ends with it, is remembered, and can go on honestly', async (t) => {
  const wire = await onTheWire(t, 5000);
  const { office, point, client, target, lease, capture } = wire;
  const sink = await BlocksSink.open(target, lease, NEVER);
  await sink.put(capture.packs[0]!, NEVER);
  await assert.rejects(sink.put(somePacks(4001)[0]!, NEVER), {
    code: 'refused',
    message: /lease of 5000 bytes is used up/,
  });
  await closed(wire);
  const refusal = point.role.refusals().find(({ message }) => /used up/.test(message));
  assert.equal(refusal?.peer, office.source.peerId);
  const again = await BlocksSink.open(target, lease, NEVER);
  await again.put(capture.packs[1]!, NEVER);
  await again.close();
  await client.commit(commitOf(capture, lease), 3000, NEVER);
  assert.ok(point.held(capture.state)!.complete);
});

test('wrong bytes are refused and named, and what was booked for them is free again', async (t) => {
  const wire = await onTheWire(t, 3100);
  const { point, target, lease, capture } = wire;
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const sink = await BlocksSink.open(target, lease, NEVER);
    await assert.rejects(sink.put({ id: capture.packs[1]!.id, bytes: randomBytes(2000) }, NEVER), { code: 'damaged' });
    await closed(wire);
  }
  assert.ok(point.role.refusals().some(({ code, count }) => code === 'damaged' && count === 5));
  const sink = await BlocksSink.open(target, lease, NEVER);
  for (const pack of capture.packs) await sink.put(pack, NEVER);
  await sink.close();
});

test('a source that begins and trickles loses the door in time, however little it sends in between', async (t) => {
  const wire = await onTheWire(t, 1_000_000);
  const { office, point, reserve, lease, fromSource, capture } = wire;
  const frames = new FrameStream(await fromSource.newStream(BLOCKS_PROTOCOL));
  await frames.send(FRAME.open, undefined, 0, BlocksOpen.encode({ state: capture.state, put: true, lease }));
  await frames.readHeader();
  const id = 'ab'.repeat(32);
  await frames.send(FRAME.offer, id, 500_000);
  await frames.readHeader();
  for (let sent = 0; sent < 5; sent += 1) {
    await frames.send(FRAME.data, id, sent * 10, new Uint8Array(10));
    point.clock.skippedMs += 100_000;
    await point.role.tick();
    assert.equal(point.held(capture.state)!.door, 'put');
  }
  point.clock.skippedMs += 100_001;
  await closed(wire);
  await assert.rejects(async () => {
    for (;;) await frames.readHeader();
  });
  await eventually('it is remembered', () =>
    point.role
      .refusals()
      .some(({ peer, message }) => peer === office.source.peerId && /no pack was completed/.test(message)),
  );
  // The lease has made no progress either.
  await eventually('the lease has ended', () => point.held(capture.state) === undefined || undefined);
  assert.notEqual((await reserve()).lease, lease);
});

test('more offers at once than a point may hold end the transfer, and its buffers come back', async (t) => {
  const wire = await onTheWire(t, 1_000_000);
  const { target, lease, fromSource, capture } = wire;
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const frames = new FrameStream(await fromSource.newStream(BLOCKS_PROTOCOL));
    await frames.send(FRAME.open, undefined, 0, BlocksOpen.encode({ state: capture.state, put: true, lease }));
    await frames.readHeader();
    for (let offer = 0; offer < 40; offer += 1) {
      await frames.send(FRAME.offer, randomBytes(32).toString('hex'), 1000).catch(() => {});
    }
    await assert.rejects(async () => {
      for (;;) await frames.readHeader();
    });
    await closed(wire);
  }
  const sink = await BlocksSink.open(target, lease, NEVER);
  for (const pack of capture.packs) await sink.put(pack, NEVER);
  await sink.close();
});

test('ids and names that are none are refused before anything is looked up', async (t) => {
  const { client, fromSource, fromDestination } = await onTheWire(t, 1000);
  for (const state of ['../../../etc/passwd', '', 'AB'.repeat(32), `${'ab'.repeat(31)}a`]) {
    await assert.rejects(client.snapshot(state, 1, NEVER), { code: 'usage' });
    await assert.rejects(client.missing(state as never, [], NEVER), { code: 'usage' });
    await assert.rejects(
      BlocksSource.open({ connection: fromDestination, name: 'point', state: state as never }, NEVER),
    );
    await assert.rejects(client.addKey(state as never, { name: 'recovery', bytes: randomBytes(10) }, NEVER), {
      code: 'usage',
    });
  }
  await assert.rejects(
    client.commit(
      { lease: 'x', snapshot: 1, descriptor: new Uint8Array(5), keys: [], packs: new Uint8Array(0) },
      0,
      NEVER,
    ),
    { code: 'refused' },
  );
  await assert.rejects(client.release('00'.repeat(32), NEVER), { code: 'refused' });
  const source = BlocksSink.open(
    { connection: fromSource, name: 'point', state: 'cc'.repeat(32) as never },
    '00'.repeat(32),
    NEVER,
  );
  await assert.rejects(source, { code: 'refused' });
});

test('a pack that is damaged on the disk never crosses the wire', async (t) => {
  const wire = await onTheWire(t, 1_000_000);
  const { point, client, target, lease, fromDestination, capture } = wire;
  const sink = await BlocksSink.open(target, lease, NEVER);
  for (const pack of capture.packs) await sink.put(pack, NEVER);
  await sink.close();
  await client.commit(commitOf(capture, lease), 3000, NEVER);
  point.damage(capture.state, capture.packs[1]!.id);
  const source = await BlocksSource.open({ ...target, connection: fromDestination }, NEVER);
  const into = new Uint8Array(16 * 1024 * 1024);
  await assert.rejects(source.get(capture.packs[1]!.id, 2000, into, NEVER), {
    code: 'damaged',
    message: /disk of this point/,
  });
  assert.ok(
    into.every((byte) => byte === 0),
    'not a byte of it',
  );
  await source.get(capture.packs[0]!.id, 1000, into, NEVER);
  await source.close();
});
