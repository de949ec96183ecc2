/**
 * What a pairing costs: the steps of CPace, one side's share of them, and a whole pairing of two nodes on loopback.
 * `sh bin/node bench/pairing.ts [ROUNDS]`, medians in milliseconds on standard output.
 */
import { randomBytes } from 'node:crypto';
import { generateKeyPair } from '@libp2p/crypto/keys';
import { multiaddr } from '@multiformats/multiaddr';
import { systemClock } from '../src/common/clock.ts';
import { createLink } from '../src/node/link/libp2p-node.ts';
import { generatorOf, publicPoint, sampleScalar, sharedPoint } from '../src/protocols/pair/cpace.ts';
import { ShownCode, TypedCode } from '../src/protocols/pair/guesses.ts';
import { HourlyCap } from '../src/protocols/pair/hourly-cap.ts';
import { PairingServer, pairOver } from '../src/protocols/pair/pair.ts';
import { signerOf } from '../src/protocols/pair/statement.ts';
import type { Credential } from '../src/protocols/pair/types.ts';

const rounds = Number(process.argv[2] ?? 200);
const random = (count: number): Uint8Array => Uint8Array.from(randomBytes(count));

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function say(what: string, values: readonly number[]): void {
  const spread = `${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)}`;
  console.log(`${what.padEnd(44)} ${median(values).toFixed(2)} ms (${spread}), ${values.length} times`);
}

function measureSteps(): void {
  const [generator, point, shared, side]: [number[], number[], number[], number[]] = [[], [], [], []];
  const [words, channel] = [Buffer.from('acid-zoom'), random(150)];
  for (let round = 0; round < rounds; round++) {
    const sid = random(66);
    const other = publicPoint(generatorOf(words, channel, sid), sampleScalar(random));
    const start = performance.now();
    const g = generatorOf(words, channel, sid);
    const made = performance.now();
    const scalar = sampleScalar(random);
    publicPoint(g, scalar);
    const multiplied = performance.now();
    sharedPoint(other, scalar);
    const end = performance.now();
    generator.push(made - start);
    point.push(multiplied - made);
    shared.push(end - multiplied);
    side.push(end - start);
  }
  say('generator', generator);
  say('own point', point);
  say('shared point', shared);
  say('one side, the three together', side);
}

async function startNode() {
  const privateKey = await generateKeyPair('Ed25519');
  const node = await createLink({ privateKey, listen: ['/ip4/127.0.0.1/tcp/0'], guard: (registrar) => registrar });
  await node.start();
  return { node, self: signerOf(privateKey) };
}

async function measurePairings(): Promise<void> {
  const credential: Credential = { kind: 'words', code: { number: '042', words: 'acid-zoom' } };
  const [shower, typer] = [await startNode(), await startNode()];
  const cap = new HourlyCap({ update: async (change) => void change([]) }, systemClock);
  const party = (self: typeof shower.self) => ({ self, about: random(1000), cap, random, log: console.error });
  const taken: number[] = [];
  for (let round = 0; round < Math.ceil(rounds / 10); round++) {
    const code = new ShownCode('send', [credential], systemClock);
    const server = await PairingServer.start({ ...party(shower.self), handlers: shower.node, code });
    const start = performance.now();
    const connection = await typer.node.dial(multiaddr(shower.node.getMultiaddrs()[0]!.toString()));
    const typed = new TypedCode('send', credential);
    const signal = AbortSignal.timeout(60_000);
    await Promise.all([pairOver(connection, { ...party(typer.self), code: typed, signal }), server.paired]);
    taken.push(performance.now() - start);
    await connection.close();
    await server.close();
  }
  say('dial and pair, both ends in one process', taken);
  for (const { node } of [shower, typer]) await node.stop();
}

measureSteps();
await measurePairings();
