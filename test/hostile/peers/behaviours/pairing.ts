/** A real `send` that shows a code, beside whom a stranger stands. What is not seen here: test/pair, test/pairing. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { Connection } from '@libp2p/interface';
import { peakBytesOf } from '../../../../bench/processes.ts';
import { PAIRING_FAILURES_MAX, PAIRING_MESSAGE_MAX_BYTES, PAIRING_STREAMS_MAX } from '../../../../src/common/limits.ts';
import { DIRECT_PROTOCOL } from '../../../../src/protocols/direct/messages.ts';
import { encodePairMessage, PAIR_PROTOCOL } from '../../../../src/protocols/pair/messages.ts';
import type { Behaviour } from '../behaviour.ts';
import { dial, hostileNode } from '../hostile-node.ts';
import { MEMORY_MAX_BYTES, type Stage } from '../stage.ts';
import { assertReset, ending, framed, varint } from '../talk.ts';

const stranger = { who: 'stranger', protocol: 'pair' } as const;
let moves = 0;

interface Shown {
  readonly code: string;
  /** Another stranger, with a connection of its own. */
  stranger(): Promise<Connection>;
  /** Attempts that came to nothing, as the screen shows them, and that were counted. */
  counted(): number;
}

/**
 * A code is shown, the stranger does its part, and `then` says what comes of it: the machine with the right code pairs and gets
 * the files, or the code is burnt.
 */
const besideACode =
  (then: 'pairs' | 'burnt', act: (shown: Shown) => Promise<void>): Behaviour['run'] =>
  async (stage: Stage) => {
    const { scene } = stage;
    moves += 1;
    const folder = scene.path(`move-${moves}`);
    mkdirSync(folder);
    writeFileSync(`${folder}/file`, randomBytes(1000));
    const common = ['--interface', 'lo', '--json'];
    const old = ['--home', scene.path(`old-${moves}`), ...common];
    const send = scene.command(['send', folder, '--listen', '/ip4/127.0.0.1/tcp/0', ...old]);
    const { pairingCode, addresses } = await send.event(({ event }) => event === 'code');
    const address = (addresses as string[])[0]!;
    const nodes: Awaited<ReturnType<typeof hostileNode>>[] = [];
    try {
      await act({
        code: String(pairingCode),
        async stranger() {
          const node = await hostileNode({ from: stage.newHost() });
          nodes.push(node);
          return await dial(node, address);
        },
        counted: () =>
          send.events.filter(
            ({ event, attemptsLeft }) => event === 'attempt' && Number(attemptsLeft) < PAIRING_FAILURES_MAX,
          ).length,
      });
      assert.ok(peakBytesOf(send.pid) < MEMORY_MAX_BYTES);
      if (then === 'pairs') {
        const fresh = ['--home', scene.path(`new-${moves}`), ...common];
        const into = scene.path(`got-${moves}`);
        const args = ['receive', String(pairingCode), '--peer', address, '--into', into, '--strip', '--yes', ...fresh];
        const received = await scene.command(args).ended;
        assert.equal(received.status, 0, received.stdout);
        assert.equal((await send.ended).status, 0, send.stdout);
      } else {
        const { last } = await send.ended;
        assert.equal(last.code, 'refused', send.stdout);
      }
    } finally {
      send.kill('SIGKILL');
      for (const node of nodes) await node.stop();
    }
  };

/** The first message of somebody who says that he has typed the code. */
const greeting = (number: string): Uint8Array =>
  framed(
    encodePairMessage({
      type: 'greeting',
      purpose: 'send',
      role: 'types',
      kind: 'words',
      number,
      nonce: randomBytes(32),
      commitment: randomBytes(32),
    }),
  );

const share = (): Uint8Array =>
  framed(encodePairMessage({ type: 'share', point: randomBytes(32), tag: randomBytes(32) }));

export const besidePairings: readonly Behaviour[] = [
  {
    ...stranger,
    name: 'opens exchanges of codes, more than there is place for, and says nothing on them (half-open)',
    must: 'those beyond the places are reset, the others after 5 s a step; no attempt is counted, the right machine pairs',
    run: besideACode('pairs', async (shown) => {
      const connections = await Promise.all(Array.from({ length: PAIRING_STREAMS_MAX + 8 }, () => shown.stranger()));
      const streams = await Promise.all(connections.map((one) => one.newStream(PAIR_PROTOCOL)));
      await Promise.all(streams.map((stream) => ending(stream)));
      assert.equal(shown.counted(), 0);
    }),
  },
  {
    ...stranger,
    name: 'announces a message of two gigabytes, one byte above the limit, and random bytes',
    must: 'the stream is reset; no attempt is counted, the right machine pairs',
    run: besideACode('pairs', async (shown) => {
      for (const bytes of [varint(2 ** 31), varint(PAIRING_MESSAGE_MAX_BYTES + 1), framed(randomBytes(300))]) {
        const stream = await (await shown.stranger()).newStream(PAIR_PROTOCOL);
        const over = ending(stream);
        stream.send(bytes);
        assert.ok((await over).bytes < 100, 'nothing is told but a refusal');
      }
      assert.equal(shown.counted(), 0);
    }),
  },
  {
    ...stranger,
    name: 'begins with the third message, and greets for another code',
    must: 'refused before anything is counted; the right machine pairs',
    run: besideACode('pairs', async (shown) => {
      const other = String((Number(shown.code.slice(0, 3)) + 1) % 1000).padStart(3, '0');
      for (const bytes of [share(), greeting(other)]) {
        const stream = await (await shown.stranger()).newStream(PAIR_PROTOCOL);
        const over = ending(stream);
        stream.send(bytes);
        assert.ok((await over).bytes < 100, 'nothing is told but a refusal');
      }
      assert.equal(shown.counted(), 0);
    }),
  },
  {
    ...stranger,
    name: 'guesses code after code (a flood of attempts)',
    must: 'each is shown, and the code is burnt at the second; nothing more is answered',
    run: besideACode('burnt', async (shown) => {
      for (let guess = 0; guess < 2; guess += 1) {
        const stream = await (await shown.stranger()).newStream(PAIR_PROTOCOL);
        const over = ending(stream);
        stream.send(greeting(shown.code.slice(0, 3)));
        await new Promise((answered) => stream.addEventListener('message', answered, { once: true }));
        stream.send(share());
        await over;
      }
    }),
  },
  {
    ...stranger,
    protocol: 'direct',
    name: 'asks for the files while a code is shown, without a pairing',
    must: 'the stream is reset or never opened; the right machine pairs',
    run: besideACode('pairs', async (shown) => {
      const connection = await shown.stranger();
      await assertReset(connection, DIRECT_PROTOCOL, randomBytes(200)).catch((error: Error) => {
        assert.doesNotMatch(String(error.name), /AssertionError/, error.message);
      });
    }),
  },
];
