import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { decode, encode } from 'cborg';
import fc from 'fast-check';
import { ResettleError } from '../../src/common/errors.ts';
import type { AssociationId, PeerIdText, StateId } from '../../src/common/ids.ts';
import { RECORD_MAX_BYTES } from '../../src/common/limits.ts';
import { RECORD_ENVELOPE, sealEnvelope } from '../../src/state/records/envelope.ts';
import {
  type AssociationBody,
  checkInvite,
  createJoinRequest,
  type EventBody,
  parseInviteToken,
  plainAssociation,
  type RecordBody,
  type RecordHeader,
  verifyRecord,
} from '../../src/state/records/index.ts';
import { decodePayload, encodePayload } from '../../src/state/records/payload.ts';
import { type Fleet, fleetOf, invite, type Machine, machine, memberBody, recipientOf, START } from './machines.ts';

let fleet: Fleet;
let ann: Machine;
let token = '';
let envelopes: Uint8Array[] = [];

before(async () => {
  fleet = await fleetOf('office');
  ann = await machine('ann');
  token = await invite(fleet.operator);
  ann.log.joinFleet(fleet.fleetId);
  const request = await createJoinRequest(ann.log, await parseInviteToken(token), memberBody(ann));
  envelopes = [...[...fleet.operator.log.records()].map((record) => record.envelope), request.member];
});

const hexText = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((b) => Buffer.from(b).toString('hex'));
const time = fc.integer({ min: 0, max: 4e12 });
const name = fc.stringMatching(/^[a-zA-Z0-9äß漢-]([a-z .äß漢-]{0,60}[a-z0-9])?$/);
const recipient = fc.string().map((text) => recipientOf(text));

function bodies(): fc.Arbitrary<RecordBody> {
  const [source, destination] = [ann.peerId, fleet.operator.peerId];
  const key = fleet.authorityKey.publicKey.toMultihash().digest;
  const address = fc.stringMatching(/^\/ip4\/[0-9.]{7,15}\/tcp\/[0-9]{1,5}$/);
  return fc.oneof(
    fc.record({
      type: fc.constant('fleet' as const),
      name,
      authorityKey: fc.constant(key),
      recoveryRecipient: fc.option(recipient),
      minimumVersion: fc.constant('0.1.0'),
      suite: fc.constant(1),
      createdAt: time,
    }),
    fc
      .record({
        invite: fc.uint8Array({ minLength: 1, maxLength: 1024 }),
        joinSignature: fc.uint8Array({ minLength: 64, maxLength: 64 }),
      })
      .chain((proof) =>
        fc.record({
          type: fc.constant('admission' as const),
          peerId: fc.constant(destination),
          ageRecipient: recipient,
          role: fc.constantFrom('member' as const, 'operator' as const),
          admittedAt: time,
          invite: fc.constant(proof.invite),
          joinSignature: fc.constant(proof.joinSignature),
        }),
      ),
    fc.record({
      type: fc.constant('member' as const),
      peerId: fc.constant(source),
      ageRecipient: recipient,
      name,
      point: fc.boolean(),
      addresses: fc.array(address, { maxLength: 8 }),
      acceptsOperators: fc.boolean(),
      machine: fc.option(hexText(16)),
    }),
    fc.record({
      type: fc.constant('association' as const),
      source: fc.constant(source),
      destination: fc.constant(destination),
      mode: fc.constant('side-by-side' as const),
      nonce: hexText(16),
      points: fc.array(fc.constantFrom(source, destination), { maxLength: 16 }),
      replicas: fc.integer({ min: 1, max: 8 }),
      keepMs: time,
      deadlineMs: fc.option(time),
      ticketRecipient: fc.constant(null),
      ticketSealed: fc.constant(null),
      shares: fc.constant(null),
      codeRecipient: fc.option(recipient),
      start: fc.option(fc.record({ batch: hexText(16), atOnce: fc.integer({ min: 1, max: 1000 }) })),
      sealed: fc.option(fc.uint8Array({ minLength: 1, maxLength: 8192 })),
    }),
    inPlace(source),
    events(),
    fc.record({
      type: fc.constant('naming' as const),
      association: hexText(32) as fc.Arbitrary<AssociationId>,
      destination: fc.constant(destination),
    }),
    fc.record({ type: fc.constant('ending' as const), association: hexText(32) as fc.Arbitrary<AssociationId> }),
    fc.record({
      type: fc.constant('revocation' as const),
      peerId: fc.constant(destination),
      lastAccepted: fc.option(hexText(32)) as fc.Arbitrary<RecordHeader['previous']>,
    }),
  );
}

function inPlace(source: PeerIdText): fc.Arbitrary<AssociationBody> {
  const plain = plainAssociation({ source, destination: null, mode: 'in-place', nonce: 'ab'.repeat(16) });
  const ticket = fc.record({
    ticketRecipient: recipient,
    ticketSealed: fc.uint8Array({ minLength: 1, maxLength: 4096 }),
  });
  const shares = fc.tuple(fc.integer({ min: 2, max: 5 }), fc.integer({ min: 2, max: 5 })).map(([a, b]) => ({
    needed: Math.min(a, b),
    total: Math.max(a, b),
  }));
  return fc.tuple(ticket, fc.option(shares)).map(([keys, of]) => ({ ...plain, ...keys, shares: of }));
}

function events(): fc.Arbitrary<EventBody> {
  const step = fc.constantFrom(
    ...([
      ['activity', 'sending'],
      ['commit', 'safe'],
      ['holder', 'held'],
      ['trial', 'tried'],
      ['restore', 'restored'],
      ['share', 'kept'],
    ] as const),
  );
  const count = fc.nat();
  return step.chain(([of, phase]) =>
    fc.record({
      type: fc.constant('event' as const),
      association: hexText(32) as fc.Arbitrary<AssociationId>,
      state: hexText(32) as fc.Arbitrary<StateId>,
      step: fc.constant(of),
      phase: fc.constant(phase),
      snapshot: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
      descriptorHash: hexText(32),
      bytes: count,
      totalBytes: count,
      peers: fc.array(fc.constantFrom(ann.peerId, fleet.operator.peerId), { maxLength: 16 }),
      untilMs: time,
      proof: fc.option(hexText(32)),
      machine: fc.option(fc.uint8Array({ minLength: 1, maxLength: 512 })),
      skipped: count,
      notes: fc.array(name, { maxLength: 8 }),
    }),
  );
}

function headers(): fc.Arbitrary<RecordHeader> {
  return fc.record({
    fleetId: fc.constant(fleet.fleetId),
    signer: fc.constant(ann.peerId),
    epoch: hexText(8),
    sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    previous: fc.option(hexText(32)) as fc.Arbitrary<RecordHeader['previous']>,
    time,
  });
}

/** Bytes with a few of them changed, left out, or put in. */
function mutated(original: Uint8Array): fc.Arbitrary<Uint8Array> {
  const edit = fc.record({
    at: fc.nat({ max: original.length }),
    remove: fc.nat({ max: 3 }),
    put: fc.uint8Array({ maxLength: 3 }),
  });
  return fc.array(edit, { minLength: 1, maxLength: 3 }).map((edits) =>
    edits.reduce((bytes, { at, remove, put }) => {
      return Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + remove)]);
    }, Buffer.from(original)),
  );
}

async function onlyOurs(attempt: () => Promise<unknown>, code: string): Promise<void> {
  try {
    await attempt();
  } catch (error) {
    assert.ok(error instanceof ResettleError, String((error as Error).stack));
    assert.equal(error.code, code);
    assert.ok(error.hint);
  }
}

describe('records', () => {
  it('decode to what was encoded', () => {
    fc.assert(
      fc.property(headers(), bodies(), (header, body) => {
        const decoded = decodePayload(encodePayload(header, body));
        assert.deepEqual(plain(decoded.header), plain(header));
        assert.deepEqual(plain(decoded.body), plain(body));
      }),
    );
  });

  it('are refused with another type, version, key or form', async () => {
    const body: RecordBody = memberBody(ann);
    const signer = ann.peerId;
    const header = { fleetId: fleet.fleetId, signer, epoch: '00'.repeat(8), sequence: 1, previous: null, time: START };
    const good = encodePayload(header, body);
    assert.deepEqual(decodePayload(good).body, body);
    const raw = decode(good, { useMaps: true }) as Map<number, unknown>;
    const change = (key: number, value: unknown) => encode(new Map([...raw, [key, value]]));
    assert.deepEqual(Buffer.from(change(1, 3)), Buffer.from(good));
    for (const [key, value] of [
      [0, 2],
      [1, 6],
      [1, 7],
      [5, 0],
      [5, 1.5],
      [9, 1],
      [3, Buffer.alloc(38)],
      [4, Buffer.alloc(7)],
    ] as const) {
      assert.throws(() => decodePayload(change(key, value)), ResettleError, `key ${key}`);
    }
    // The same map with a length that takes two bytes instead of one.
    const long = Buffer.concat([Buffer.from([0xb8, raw.size]), good.subarray(1)]);
    assert.throws(() => decodePayload(long), ResettleError);
    // The same fields in another order: a map of the same size with its first two entries exchanged.
    assert.deepEqual([...good.subarray(0, 5)], [0xa9, 0, 1, 1, 3]);
    const swapped = Buffer.concat([Buffer.from([0xa9, 1, 3, 0, 1]), good.subarray(5)]);
    assert.throws(() => decodePayload(swapped), /one form/);
    assert.throws(() => decodePayload(Buffer.concat([good, Buffer.from([0])])), ResettleError);
    assert.throws(() => decodePayload(Buffer.alloc(RECORD_MAX_BYTES + 1)), /larger/);
    for (const bad of ['', ' x', 'a\u001b[2Jb', 'a\u202eb', 'x'.repeat(65), 'a\nb', '\ud800']) {
      assert.throws(() => encodePayload(header, memberBody(ann, { name: bad })), ResettleError, JSON.stringify(bad));
    }
    const foreign = await sealEnvelope({ ...RECORD_ENVELOPE, domain: 'another' }, good, ann.key);
    await assert.rejects(verifyRecord(foreign), /does not verify/);
    const otherType = await sealEnvelope({ ...RECORD_ENVELOPE, payloadType: Buffer.from('/x') }, good, ann.key);
    await assert.rejects(verifyRecord(otherType), /another type/);
    const otherSigner = await sealEnvelope(RECORD_ENVELOPE, good, fleet.operator.key);
    await assert.rejects(verifyRecord(otherSigner), /another signer/);
    const honest = await sealEnvelope(RECORD_ENVELOPE, good, ann.key);
    assert.equal((await verifyRecord(honest)).header.signer, signer);
    // A field that protobuf readers skip: the signature still verifies.
    await assert.rejects(verifyRecord(Buffer.concat([honest, Buffer.from([0x78, 1])])), /one form/);
  });

  it('never verify once they were changed, and fail with our error only', async () => {
    const anyChange = fc
      .constantFrom(...envelopes)
      .chain((original) => mutated(original).map((bytes) => ({ original, bytes })));
    await fc.assert(
      fc.asyncProperty(anyChange, async ({ original, bytes }) => {
        if (Buffer.from(bytes).equals(original)) return;
        await assert.rejects(
          verifyRecord(bytes),
          (error) => error instanceof ResettleError && error.code === 'refused',
        );
      }),
      { numRuns: 1500 },
    );
  });

  it('of arbitrary bytes fail with our error only, even when they are signed', async () => {
    const signed = await verifyRecord(envelopes.at(-1)!);
    const payload = encodePayload(signed.header, signed.body);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), mutated(payload), async (bytes, changed) => {
        await onlyOurs(() => verifyRecord(bytes), 'refused');
        for (const each of [bytes, changed]) {
          await onlyOurs(async () => verifyRecord(await sealEnvelope(RECORD_ENVELOPE, each, ann.key)), 'refused');
        }
      }),
      { numRuns: 800 },
    );
    await onlyOurs(() => verifyRecord(Buffer.alloc(20_000, 0x0a)), 'refused');
    const nested = await sealEnvelope(RECORD_ENVELOPE, Buffer.alloc(16_000, 0x81), ann.key);
    await onlyOurs(() => verifyRecord(nested), 'refused');
  });
});

describe('tokens', () => {
  it('come back as what they were made of', async () => {
    const parsed = await parseInviteToken(token);
    assert.equal(parsed.invite.role, 'member');
    assert.deepEqual(parsed.seeds, ['/ip4/192.0.2.1/tcp/7311']);
    assert.equal((await checkInvite(parsed, START)).members.size, 1);
  });

  it('are refused with a private key that is not the invite’s', async () => {
    const parsed = await parseInviteToken(token);
    const spoilt = { ...parsed, inviteKey: ann.key };
    await assert.rejects(checkInvite(spoilt, START), /private key is not the one/);
  });

  it('fail with "bad-invite" only, whatever is changed in them', async () => {
    const bytes = Buffer.from(token.split('.')[1]!, 'base64url');
    const change = fc.oneof(
      mutated(bytes).map((changed) => ({
        text: `resettle-invite-1.${Buffer.from(changed).toString('base64url')}`,
        changed,
      })),
      mutated(Buffer.from(token)).map((changed) => ({ text: Buffer.from(changed).toString('latin1'), changed })),
      fc.string().map((text) => ({ text, changed: Buffer.from(text) })),
      fc.string().map((text) => ({ text: `resettle-invite-1.${text}`, changed: Buffer.from(text) })),
    );
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(change, async ({ text }) => {
        if (text.trim() === token) return;
        await onlyOurs(async () => {
          await checkInvite(await parseInviteToken(text), START);
          // Only the seeds are not signed: they are hints where to connect, and who is there is checked.
          const [a, b] = [await parseInviteToken(text), await parseInviteToken(token)];
          assert.deepEqual([a.envelope, a.inviteKey.raw, a.credential], [b.envelope, b.inviteKey.raw, b.credential]);
          accepted += 1;
        }, 'bad-invite');
      }),
      { numRuns: 1000 },
    );
    assert.ok(accepted < 100);
  });
});

/** Values only: fast-check's objects have no prototype, its bytes are plain arrays of bytes. */
function plain(value: object): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, inner) => (inner instanceof Uint8Array ? Buffer.from(inner).toString('hex') : inner)),
  );
}
