/** Every message of the protocols, its limits included. What decodes encodes to the same message again. */
import { BlocksOpen, BlocksOpened } from '../../../src/protocols/blocks/messages.ts';
import { DirectAskHead, DirectDone, DirectOpen, DirectOpened } from '../../../src/protocols/direct/messages.ts';
import { DoctorAnswer, DoctorRequest } from '../../../src/protocols/doctor/messages.ts';
import { HelloAnswer, HelloRequest } from '../../../src/protocols/hello/messages.ts';
import { PointAnswer, PointRequest } from '../../../src/protocols/point/messages.ts';
import { RecordsAnswer, RecordsRequest } from '../../../src/protocols/records/messages.ts';
import { SharesAnswer, SharesRequest } from '../../../src/protocols/shares/messages.ts';
import type { MessageCodec } from '../../../src/protocols/wire/message.ts';
import type { Random } from '../../faults/scenario.ts';
import { type Target, target } from '../target.ts';
import { address, count, flag, hashHex, hex, listOf, maybe, sentence, someBytes } from './some.ts';

function message<T>(name: string, codec: MessageCodec<T>, make: (random: Random) => Partial<T>): Target {
  return target<T>({
    name,
    shape: 'protobuf',
    refusals: ['damaged'],
    valid: (random) => codec.encode(make(random)),
    decode: (bytes) => codec.decode(bytes),
    encode: (value) => codec.encode(value),
  });
}

const fault = (random: Random) =>
  maybe(random, () => ({ code: random.pick(['refused', 'x']), message: sentence(random), hint: sentence(random) }));
const lease = (random: Random) => ({ lease: hashHex(random), expiresAtMs: count(random), snapshot: count(random) });
const about = (random: Random) => ({ association: hashHex(random), state: hashHex(random) });
const keyFile = (random: Random) => ({ name: hex(random, 20), bytes: someBytes(random, 300) });
const credential = (random: Random) => listOf(random, 3, () => someBytes(random, 300));

const pointRequest = (random: Random) => ({
  capacity: flag(random),
  reserve: maybe(random, () => ({
    ...{ association: someBytes(random, 400), state: hashHex(random) },
    ...{ bytes: count(random), copy: flag(random) },
  })),
  release: hashHex(random),
  commit: maybe(random, () => ({
    ...{ lease: hashHex(random), snapshot: count(random), descriptor: someBytes(random, 500) },
    ...{ keys: listOf(random, 8, () => keyFile(random)), packs: someBytes(random, 40) },
  })),
  find: maybe(random, () => ({ state: hashHex(random) })),
  snapshot: maybe(random, () => ({ state: hashHex(random), snapshot: count(random), key: 'recovery' })),
  missing: maybe(random, () => ({ state: hashHex(random), packs: random.bytes(64) })),
  keys: maybe(random, () => ({ state: hashHex(random) })),
  addKey: maybe(random, () => ({ state: hashHex(random), key: keyFile(random) })),
});

const pointAnswer = (random: Random) => ({
  fault: fault(random),
  capacity: maybe(random, () => ({
    ...{ freeBytes: count(random), reservedBytes: count(random), clients: 2, maxClients: 8, draining: flag(random) },
    ...{ heldBytes: count(random), linkMbps: 1000, refusal: sentence(random) },
  })),
  lease: maybe(random, () => lease(random)),
  holdings: listOf(random, 3, () => ({
    ...{ ...about(random), snapshots: listOf(random, 9, () => count(random)) },
    ...{ bytes: count(random), partial: flag(random) },
  })),
  ...{ descriptor: someBytes(random, 300), key: someBytes(random, 300), missing: someBytes(random, 96) },
  keys: listOf(random, 8, () => keyFile(random)),
});

export const MESSAGES: readonly Target[] = [
  message('hello-request', HelloRequest, (random) => ({
    ...{ version: 1, fleet: random.bytes(32), credential: credential(random) },
    join: maybe(random, () => ({
      invite: someBytes(random, 300),
      member: someBytes(random, 300),
      signature: random.bytes(64),
    })),
  })),
  message('hello-answer', HelloAnswer, (random) => ({
    ...{ version: 1, fleet: random.bytes(32), credential: credential(random), fault: fault(random) },
  })),
  message('records-request', RecordsRequest, (random) => ({
    branches: listOf(random, 5, () => ({ prefix: someBytes(random, 2), fingerprint: random.bytes(16) })),
    wants: listOf(random, 9, () => random.bytes(16)),
    records: listOf(random, 4, () => someBytes(random, 300)),
  })),
  message('records-answer', RecordsAnswer, (random) => ({
    branches: listOf(random, 4, () => ({
      ...{ prefix: someBytes(random, 2), kind: 1 + random.integer(3) },
      ...{ children: someBytes(random, 64), listed: random.bytes(20 * random.integer(4)) },
    })),
    ...{ records: listOf(random, 4, () => someBytes(random, 300)), served: count(random) },
  })),
  message('point-request', PointRequest, pointRequest),
  message('point-answer', PointAnswer, pointAnswer),
  message('blocks-open', BlocksOpen, (random) => ({
    state: hashHex(random),
    lease: hashHex(random),
    put: flag(random),
  })),
  message('blocks-opened', BlocksOpened, (random) => ({ fault: fault(random) })),
  message('shares-request', SharesRequest, (random) => ({
    offer: maybe(random, () => about(random)),
    put: maybe(random, () => ({ deal: someBytes(random, 300), share: random.bytes(200) })),
    settle: maybe(random, () => ({ ...about(random), deal: hex(random, 16), forgetOlder: flag(random) })),
    nonce: maybe(random, () => about(random)),
    release: maybe(random, () => ({ ...about(random), nonce: random.bytes(32), signature: random.bytes(64) })),
  })),
  message('shares-answer', SharesAnswer, (random) => ({
    ...{ fault: fault(random), nonce: random.bytes(32) },
    shares: listOf(random, 2, () => ({ deal: someBytes(random, 200), sealed: someBytes(random, 400) })),
  })),
  message('doctor-request', DoctorRequest, (random) => ({ version: count(random) })),
  message('doctor-answer', DoctorAnswer, (random) => ({
    ...{ hears: flag(random), nowMs: count(random), fault: fault(random) },
    dials: listOf(random, 4, () => ({ address: address(random), outcome: 'answered', tookMs: count(random) })),
  })),
  message('direct-open', DirectOpen, (random) => ({ session: random.bytes(64), buffers: 4, wantsBulk: flag(random) })),
  message('direct-opened', DirectOpened, (random) => ({
    ...{
      stateKey: random.bytes(32),
      descriptorBytes: count(random),
      buffers: 4,
      bulkPort: 4001,
      bulkKey: random.bytes(32),
    },
  })),
  message('direct-ask-head', DirectAskHead, (random) => ({
    ...{ what: 1 + random.integer(3), entriesBytes: count(random), offsets: count(random), overBulk: flag(random) },
  })),
  message('direct-done', DirectDone, (random) => ({
    files: count(random),
    bytes: count(random),
    skipped: count(random),
  })),
];
