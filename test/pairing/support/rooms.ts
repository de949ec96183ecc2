/**
 * Stands where plan, direct stream and restore stand: a plan of numbered packs, asked for by their numbers, over a real
 * stream of the real nodes. What pairing does with breaks, refusals and resumption is the product's own.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Stream } from '@libp2p/interface';
import { lpStream } from '@libp2p/utils';
import { ResettleError } from '../../../src/common/errors.ts';
import { packId } from '../../../src/common/ids.ts';
import type { Rooms, Sending } from '../../../src/node/pairing/types.ts';

const PROTOCOL = '/test/direct/1';
const PACKS = 6;

export class Broken extends Error {}

export interface RoomControl {
  /** Awaited before a pack is handed over. */
  beforePack?(at: number): Promise<void> | void;
  /** Packs that were taken at the receiver. */
  readonly taken: number[];
  asks: number;
}

export function testRooms(control: RoomControl, files = 3): Rooms {
  const none = { items: [], count: 0 };
  const sendingOf = (descriptor: Uint8Array): Sending => ({
    plan: {
      files,
      folders: 1,
      symlinks: 0,
      hardlinks: 0,
      specials: 0,
      bytes: 10 * PACKS,
      upperBoundBytes: 10 * PACKS,
      skipped: none,
      excluded: [],
    },
    descriptor,
    async answer(ask, sink, { signal }) {
      control.asks += 1;
      for (let at = ask.entries[0] ?? 0; at < PACKS; at++) {
        signal.throwIfAborted();
        await control.beforePack?.(at);
        await sink.put({ id: packId('0'.repeat(63) + at), bytes: Uint8Array.of(at) }, signal);
      }
    },
    close: async () => {},
  });
  return {
    async planSend({ planDir }) {
      const descriptor = randomBytes(40);
      writeFileSync(join(planDir, 'descriptor'), descriptor);
      return sendingOf(descriptor);
    },
    async reopenSend({ planDir }) {
      const path = join(planDir, 'descriptor');
      if (!existsSync(path)) throw new ResettleError('not-found', 'no plan');
      return sendingOf(readFileSync(path));
    },
    async serveDirect(registrar, host, log) {
      await registrar.handle(PROTOCOL, async (stream, connection) => {
        const peer = connection.remotePeer.toString();
        await serve(stream, host, peer).catch((error: unknown) => {
          log(error, peer);
          stream.abort(error instanceof Error ? error : new Error(String(error)));
        });
      });
    },
    async openDirect(connection, { session, signal }) {
      const stream = await connection.newStream(PROTOCOL, { signal }).catch((cause: unknown) => {
        throw new ResettleError('failed', 'nobody serves', { cause });
      });
      const lines = lpStream(stream);
      const read = async (): Promise<Buffer> => {
        try {
          return Buffer.from((await lines.read({ signal })).subarray());
        } catch (cause) {
          throw new Broken('broken', { cause });
        }
      };
      await lines.write(session);
      const first = await read();
      if (first.toString() === 'refused') throw new ResettleError('refused', 'refused by the sender');
      const stateKey = await read();
      return {
        descriptor: first,
        stateKey,
        async ask(ask, taker) {
          await lines.write(Buffer.concat([Buffer.from('?'), ask.entries])).catch((cause: unknown) => {
            throw new Broken('broken', { cause });
          });
          for (;;) {
            const pack = await read();
            if (pack.length === 0) return;
            const buffer = taker.borrow();
            buffer.set(pack);
            await taker.take(buffer, pack.length);
          }
        },
        async done(summary) {
          try {
            await lines.write(Buffer.from(`!${JSON.stringify(summary)}`));
            await read();
            await stream.close();
            return true;
          } catch {
            return false;
          }
        },
        abort: (reason) => stream.abort(reason),
      };
    },
    isBroken: (error) => error instanceof Broken,
    async openedSnapshot() {
      return { roots: [], descriptorHash: '' };
    },
    async receiveSnapshot({ asker, restoreId }, { signal }) {
      let isWhole = false;
      while (!isWhole) {
        const ask = { what: 'content' as const, entries: Uint8Array.of(control.taken.length), offsets: [] };
        const taker = {
          borrow: () => new Uint8Array(16),
          take: async (buffer: Uint8Array) => void control.taken.push(buffer[0]!),
        };
        isWhole = await asker.ask(ask, taker, signal);
      }
      return {
        restoreId,
        files,
        folders: 1,
        symlinks: 0,
        hardlinks: 0,
        specials: 0,
        bytes: 10 * PACKS,
        conflicts: { keptBoth: 0, skipped: 0, replaced: 0 },
        conflictItems: none,
        withheld: none,
        skippedAtCapture: none,
        resumed: false,
      };
    },
  };
}

async function serve(stream: Stream, host: Parameters<Rooms['serveDirect']>[1], peer: string): Promise<void> {
  const lines = lpStream(stream);
  const end = new AbortController();
  stream.addEventListener('close', () => end.abort(new Error('the stream has ended')));
  const source = await host.open((await lines.read()).subarray(), peer, end.signal).catch(async (error: unknown) => {
    await lines.write(Buffer.from('refused'));
    await stream.close();
    throw error;
  });
  await lines.write(source.descriptor);
  await lines.write(source.stateKey);
  for (;;) {
    const line = Buffer.from((await lines.read({ signal: end.signal })).subarray());
    if (line[0] === 33) {
      await source.done(JSON.parse(line.subarray(1).toString()));
      await lines.write(Buffer.from('ok'));
      return stream.close();
    }
    const sink = {
      async put({ bytes }: { bytes: Uint8Array }) {
        await lines.write(bytes);
        return 0;
      },
    };
    await source.answer({ what: 'content', entries: line.subarray(1), offsets: [] }, sink, end.signal);
    await lines.write(new Uint8Array(0));
  }
}
