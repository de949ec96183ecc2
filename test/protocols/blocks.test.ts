import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { Libp2p } from 'libp2p';
import { ResettleError } from '../../src/common/errors.ts';
import { type PackId, packId, type StateId, stateId } from '../../src/common/ids.ts';
import { PACK_MAX_BYTES } from '../../src/common/limits.ts';
import type { PackHolder } from '../../src/common/ports.ts';
import { BlocksSink, BlocksSource } from '../../src/protocols/blocks/client.ts';
import { FRAME } from '../../src/protocols/blocks/frame.ts';
import { FrameStream } from '../../src/protocols/blocks/frame-stream.ts';
import { BLOCKS_PROTOCOL, BlocksOpen } from '../../src/protocols/blocks/messages.ts';
import { type BlocksSession, serveBlocks } from '../../src/protocols/blocks/server.ts';
import { DIRECT_PROTOCOL } from '../../src/protocols/direct/messages.ts';
import { connect, startNode } from './support.ts';

const STATE: StateId = stateId('5a'.repeat(32));
const never = new AbortController().signal;

/** A holder in memory; ids are SHA-256 here, since only the holder judges them. */
class MemoryHolder implements PackHolder {
  readonly packs = new Map<string, Uint8Array>();
  lent = 0;
  lentMost = 0;

  static idOf(bytes: Uint8Array): PackId {
    return packId(createHash('sha256').update(bytes).digest('hex'));
  }
  async packSize(_: StateId, id: PackId): Promise<number | undefined> {
    // A real store asks its worker, so that other frames come in between.
    await new Promise((done) => setTimeout(done, 20));
    return this.packs.get(id)?.length;
  }
  async borrow(): Promise<Uint8Array> {
    this.lent += 1;
    this.lentMost = Math.max(this.lentMost, this.lent);
    return new Uint8Array(PACK_MAX_BYTES);
  }
  giveBack(): void {
    this.lent -= 1;
  }
  async storePack(_: StateId, id: PackId, buffer: Uint8Array, sizeBytes: number): Promise<void> {
    this.lent -= 1;
    const bytes = buffer.slice(0, sizeBytes);
    if (MemoryHolder.idOf(bytes) !== id) throw new ResettleError('damaged', `not pack ${id}`);
    this.packs.set(id, bytes);
  }
  async loadPack(_: StateId, id: PackId, buffer: Uint8Array): Promise<number> {
    const bytes = this.packs.get(id);
    if (!bytes) throw new ResettleError('not-found', `no pack ${id}`);
    buffer.set(bytes);
    return bytes.length;
  }
}

describe('the blocks protocol', () => {
  const holder = new MemoryHolder();
  let server: Libp2p;
  let client: Libp2p;
  let sessions = 0;
  let leaseBytes = Number.MAX_SAFE_INTEGER;

  before(async () => {
    server = await startNode();
    client = await startNode();
    await serveBlocks(
      server,
      {
        openBlocks: async ({ state, put, lease }): Promise<BlocksSession> => {
          if (state !== STATE) throw new ResettleError('refused', 'not your state');
          if (put && lease !== 'lease') throw new ResettleError('refused', 'no such lease');
          sessions += 1;
          let booked = 0;
          return {
            holder,
            put,
            book: (sizeBytes) => {
              booked += sizeBytes;
              if (booked > leaseBytes) throw new ResettleError('refused', 'the lease is used up');
            },
            stored: () => {},
            close: () => {
              sessions -= 1;
            },
          };
        },
      },
      () => {},
    );
  });
  after(async () => {
    await client.stop();
    await server.stop();
  });

  const target = async () => ({ connection: await connect(client, server), name: 'point', state: STATE });

  it('brings packs to a holder and back, several at once, byte for byte', async () => {
    const packs = [1, 70_000, 5_000_000, PACK_MAX_BYTES].map((size) => {
      const bytes = randomBytes(size);
      return { id: MemoryHolder.idOf(bytes), bytes };
    });
    const sink = await BlocksSink.open(await target(), 'lease', never);
    await Promise.all(packs.map((pack) => sink.put(pack, never)));
    // A pack that is there already is not sent again.
    await sink.put(packs[0]!, never);
    await sink.close();

    const source = await BlocksSource.open(await target(), never);
    await Promise.all(
      packs.map(async ({ id, bytes }) => {
        const into = new Uint8Array(PACK_MAX_BYTES);
        await source.get(id, bytes.length, into, never);
        assert.ok(Buffer.from(into.subarray(0, bytes.length)).equals(bytes));
      }),
    );
    await source.close();
    await settled(() => holder.lent === 0 && sessions === 0);
  });

  it('refuses a pack that is not what it was offered as, and ends the transfer', async () => {
    const sink = await BlocksSink.open(await target(), 'lease', never);
    await assert.rejects(sink.put({ id: packId('00'.repeat(32)), bytes: randomBytes(1000) }, never), {
      code: 'damaged',
    });
    await settled(() => holder.lent === 0 && sessions === 0);
    assert.equal(holder.packs.has('00'.repeat(32)), false);
  });

  it('says which pack it does not have', async () => {
    const source = await BlocksSource.open(await target(), never);
    const missing = packId('11'.repeat(32));
    await assert.rejects(source.get(missing, 10, new Uint8Array(PACK_MAX_BYTES), never), { code: 'not-found' });
    await source.close();
  });

  it('gives the rest of a pack from an offset, and hears what the receiver says of the whole', async () => {
    const bytes = randomBytes(1_000_000);
    const id = MemoryHolder.idOf(bytes);
    holder.packs.set(id, bytes);
    const source = await BlocksSource.open(await target(), never);
    const into = new Uint8Array(bytes.length);
    into.set(bytes.subarray(0, 700_001));
    const seen: number[] = [];
    const onBytes = (filled: number): void => void seen.push(filled);
    const check = (): boolean => Buffer.from(into).equals(bytes);
    assert.equal(await source.fetch({ id, sizeBytes: bytes.length, into, from: 700_001, onBytes, check }, never), true);
    assert.ok(seen[0]! > 700_001 && seen.at(-1) === bytes.length);
    // What the receiver finds wrong ends neither the transfer nor the loan of its memory.
    const wrong = { id, sizeBytes: bytes.length, into, from: 0, onBytes, check: () => false };
    assert.equal(await source.fetch(wrong, never), false);
    await source.get(id, bytes.length, into, never);
    assert.equal(source.failure, undefined);
    await source.close();
    await settled(() => holder.lent === 0 && sessions === 0);
  });

  it('writes nothing into the receiver’s memory any more when it was aborted', async () => {
    const bytes = randomBytes(PACK_MAX_BYTES);
    const id = MemoryHolder.idOf(bytes);
    holder.packs.set(id, bytes);
    const source = await BlocksSource.open(await target(), never);
    const into = new Uint8Array(bytes.length);
    let abortedAt = 0;
    const onBytes = (filled: number): void => {
      if (filled < 2_000_000 || abortedAt > 0) return;
      abortedAt = filled;
      source.abort(new Error('another one gives it'));
    };
    const want = { id, sizeBytes: bytes.length, into, from: 0, onBytes, check: () => true };
    await assert.rejects(source.fetch(want, never), /another one gives it/);
    assert.ok(source.failure);
    await new Promise((done) => setTimeout(done, 200));
    assert.ok(into.subarray(abortedAt).every((byte) => byte === 0));
    await settled(() => holder.lent === 0 && sessions === 0);
  });

  it('refuses who has no right to the state, or no lease', async () => {
    const { connection } = await target();
    const other = { connection, name: 'point', state: stateId('66'.repeat(32)) };
    await assert.rejects(BlocksSource.open(other, never), { code: 'refused' });
    await assert.rejects(BlocksSink.open(await target(), 'forged', never), { code: 'refused' });
    await settled(() => sessions === 0);
  });

  it('ends a source that overruns its lease', async () => {
    leaseBytes = 1500;
    const sink = await BlocksSink.open(await target(), 'lease', never);
    const put = (size: number): Promise<void> => {
      const bytes = randomBytes(size);
      return sink.put({ id: MemoryHolder.idOf(bytes), bytes }, never);
    };
    await put(1000);
    await assert.rejects(put(1000));
    leaseBytes = Number.MAX_SAFE_INTEGER;
    await settled(() => holder.lent === 0 && sessions === 0);
  });

  it('closes the state when the other side vanishes or is aborted', async () => {
    const abort = new AbortController();
    const source = await BlocksSource.open(await target(), never);
    const bytes = randomBytes(PACK_MAX_BYTES);
    holder.packs.set(MemoryHolder.idOf(bytes), bytes);
    const got = source.get(MemoryHolder.idOf(bytes), bytes.length, new Uint8Array(PACK_MAX_BYTES), abort.signal);
    abort.abort(new Error('enough'));
    await assert.rejects(got, /enough/);
    await settled(() => sessions === 0 && holder.lent === 0);
  });

  it('ends a peer that sends data which nobody asked for', async () => {
    const { connection } = await target();
    const frames = new FrameStream(await connection.newStream(BLOCKS_PROTOCOL));
    await frames.send(FRAME.open, undefined, 0, BlocksOpen.encode({ state: STATE, put: true, lease: 'lease' }));
    await frames.readHeader();
    await frames.send(FRAME.data, 'ab'.repeat(32), 0, new Uint8Array(10));
    await assert.rejects(frames.readHeader());
    await settled(() => sessions === 0);
  });

  it('ends a peer that offers one pack twice at once, and keeps none of its own buffers for it', async () => {
    const { connection } = await target();
    const frames = new FrameStream(await connection.newStream(BLOCKS_PROTOCOL));
    await frames.send(FRAME.open, undefined, 0, BlocksOpen.encode({ state: STATE, put: true, lease: 'lease' }));
    await frames.readHeader();
    await Promise.all([
      frames.send(FRAME.offer, 'cd'.repeat(32), 1000),
      frames.send(FRAME.offer, 'cd'.repeat(32), 1000),
    ]);
    await assert.rejects(
      async () => {
        for (;;)
          await Promise.race([
            frames.readHeader(),
            new Promise((_, no) => setTimeout(no, 3000, new Error('not ended'))),
          ]);
      },
      (error: Error) => error.message !== 'not ended',
    );
    await settled(() => sessions === 0 && holder.lent === 0);
  });

  it('keeps memory bounded on both sides when the reader takes 10 MiB a second', async () => {
    // The reader takes 64 KiB in 6.4 ms; the sender offers as fast as it may.
    const totalBytes = 24 * 1024 * 1024;
    let sender: FrameStream | undefined;
    let peakWriteBytes = 0;
    await server.handle(DIRECT_PROTOCOL, async (stream) => {
      sender = new FrameStream(stream);
      const watch = setInterval(() => {
        peakWriteBytes = Math.max(peakWriteBytes, stream.writeBufferLength);
      }, 1);
      await sender.sendPack('ab'.repeat(32), new Uint8Array(16 * 1024 * 1024), 0);
      await sender.sendPack('ab'.repeat(32), new Uint8Array(totalBytes - 16 * 1024 * 1024), 0);
      clearInterval(watch);
    });
    const { connection } = await target();
    const stream = await connection.newStream(DIRECT_PROTOCOL);
    const reader = new FrameStream(stream);
    let taken = 0;
    let peakReadBytes = 0;
    const buffer = new Uint8Array(256 * 1024);
    while (taken < totalBytes) {
      const { payloadBytes } = await reader.readHeader();
      await reader.readPayload(buffer.subarray(0, payloadBytes));
      taken += payloadBytes;
      peakReadBytes = Math.max(peakReadBytes, stream.readBufferLength);
      await new Promise((done) => setTimeout(done, (payloadBytes / (10 * 1024 * 1024)) * 1000));
    }
    assert.equal(taken, totalBytes);
    assert.ok(peakReadBytes <= 8 * 1024 * 1024, `read buffer ${peakReadBytes}`);
    assert.ok(peakWriteBytes <= 4 * 1024 * 1024, `write buffer ${peakWriteBytes}`);
    reader.abort(new Error('done'));
  });
});

async function settled(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200 && !condition(); tries += 1) await new Promise((done) => setTimeout(done, 10));
  assert.ok(condition(), 'the other side did not come to rest');
}
