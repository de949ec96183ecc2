/** What two machines say while they pair, and what one says about itself. */
import { ristretto255 } from '@noble/curves/ed25519.js';
import type { StateId } from '../../../src/common/ids.ts';
import { decodeAbout, encodeAbout, shownText } from '../../../src/node/pairing/about.ts';
import { generatorOf, publicPoint, sampleScalar, sharedPoint } from '../../../src/protocols/pair/cpace.ts';
import { decodePairMessage, encodePairMessage, type PairMessage } from '../../../src/protocols/pair/messages.ts';
import { KINDS, PURPOSES, REFUSALS, ROLES } from '../../../src/protocols/pair/types.ts';
import { errorOfFault, Fault } from '../../../src/protocols/wire/fault.ts';
import type { Random } from '../../faults/scenario.ts';
import { type Target, target } from '../target.ts';
import { count, hashHex, maybe, sentence, someBytes, word } from './some.ts';
import { textOf } from './texts.ts';

const offer = (random: Random) => ({
  ...{ purpose: random.pick(PURPOSES), role: random.pick(ROLES) },
  ...{ nonce: random.bytes(32), commitment: random.bytes(32) },
});
const opening = (random: Random) => ({
  ...{ salt: random.bytes(32), about: someBytes(random, 400), signature: random.bytes(64) },
});

function pairMessage(random: Random): PairMessage {
  const kind = random.pick(KINDS);
  return random.pick<() => PairMessage>([
    () => ({ type: 'greeting', ...offer(random), kind, number: kind === 'words' ? '042' : '' }),
    () => ({ type: 'answer', ...offer(random), point: random.bytes(32) }),
    () => ({ type: 'share', point: random.bytes(32), tag: maybe(random, () => random.bytes(32)) }),
    () => ({ type: 'proof', tag: random.bytes(32), opening: maybe(random, () => opening(random)) }),
    () => ({ type: 'opened', opening: opening(random) }),
    () => ({ type: 'refused', refusal: random.pick(REFUSALS) }),
  ])();
}

const machine = (random: Random) => ({ name: word(random), system: sentence(random), user: word(random) });

function aboutOf(random: Random) {
  const paths = ['/home/ann', `/data/${word(random)}`].slice(random.integer(2));
  return encodeAbout({
    machine: machine(random),
    offer: {
      ...{
        state: hashHex(random) as StateId,
        paths,
        pathCount: 2 + random.integer(9),
        descriptorHash: random.bytes(32),
      },
      ...{ files: count(random), folders: count(random), links: 0, bytes: count(random), skipped: 0 },
      upperBoundBytes: count(random),
    },
  });
}

const SCALAR = sampleScalar((size) => new Uint8Array(size).fill(7));
/** What no text from another machine may still hold when it is shown. */
const MOVES_CURSOR = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;

function shown(text: string): string {
  if (MOVES_CURSOR.test(text))
    throw new Error(`a text that is shown holds ${JSON.stringify(text.match(MOVES_CURSOR))}`);
  return text;
}

export const PAIRING: readonly Target[] = [
  target({
    name: 'pair-message',
    shape: 'protobuf',
    refusals: ['damaged'],
    valid: (random) => encodePairMessage(pairMessage(random)),
    decode: decodePairMessage,
    encode: (message) =>
      message.type === 'other-version' ? Buffer.from('0a020802', 'hex') : encodePairMessage(message),
  }),
  target({
    name: 'pair-about',
    shape: 'protobuf',
    refusals: ['damaged'],
    valid: aboutOf,
    decode: (bytes) => {
      const about = decodeAbout(bytes, 'offer');
      for (const text of [about.machine.name, about.machine.user, ...about.offer!.paths]) shown(text);
      return about;
    },
  }),
  target({
    name: 'pair-point',
    shape: 'bytes',
    refusals: ['refused'],
    weight: 0.1,
    valid: (random) => publicPoint(generatorOf(someBytes(random, 20), random.bytes(4), random.bytes(4)), SCALAR),
    decode: (bytes) => {
      sharedPoint(bytes, SCALAR);
      return ristretto255.Point.fromBytes(bytes).toBytes();
    },
    encode: (point) => point,
    isCanonical: true,
  }),
  target({
    name: 'fault',
    shape: 'protobuf',
    refusals: ['damaged'],
    valid: (random) => Fault.encode({ code: 'refused', message: sentence(random), hint: sentence(random) }),
    decode: (bytes) => {
      const { message, hint } = errorOfFault(Fault.decode(bytes), 'ann');
      shown(message);
      return shown(hint ?? '');
    },
  }),
  target({
    name: 'shown-text',
    shape: 'words',
    refusals: [],
    words: ['\\x1b', '\u001b[2J', '\u202e', '\\', '\u2028', '\u0007', '\ufeff'],
    valid: (random) => Buffer.from(sentence(random)),
    decode: (bytes) => shown(shownText(textOf(bytes))),
  }),
];
