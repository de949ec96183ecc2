import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { ristretto255 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { ResettleError } from '../../src/common/errors.ts';
import {
  generatorOf,
  lvCat,
  POINT_BYTES,
  publicPoint,
  sampleScalar,
  sessionKey,
  sessionName,
  sharedPoint,
  transcriptOf,
} from '../../src/protocols/pair/cpace.ts';

const FILE = new URL('../vectors/cpace-ristretto255-sha512.json', import.meta.url);
const { vectors, points } = JSON.parse(readFileSync(FILE, 'utf8')) as {
  vectors: Record<string, string>;
  points: { Valid: Record<string, string>; 'Invalid Y1': string; 'Invalid Y2': string };
};

const bytesOf = (hex: string): Uint8Array => Buffer.from(hex, 'hex');
const value = (name: string): Uint8Array => bytesOf(vectors[name]!);
const scalarOf = (hex: string): bigint => ristretto255.Point.Fn.fromBytes(Uint8Array.from(bytesOf(hex)));
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').toUpperCase();

const sharesOf = () => ({
  initiator: { point: value('Ya'), associatedData: value('ADa') },
  responder: { point: value('Yb'), associatedData: value('ADb') },
});

/** The transcript of the setting without an initiator, which only the vectors have: the larger share first. */
function transcriptOc(): Uint8Array {
  const { initiator, responder } = sharesOf();
  const shares = [initiator, responder].map((one) => Buffer.from(lvCat(one.point, one.associatedData)));
  shares.sort((a, b) => Buffer.compare(b, a));
  return Buffer.concat([Buffer.from('oc'), ...shares]);
}

describe('CPace, against the vectors of its draft', () => {
  it('has the generator', () => {
    assert.equal(hexOf(generatorOf(value('PRS'), value('CI'), value('sid')).toBytes()), vectors.g);
  });

  it('has both public points', () => {
    const generator = generatorOf(value('PRS'), value('CI'), value('sid'));
    assert.equal(hexOf(publicPoint(generator, scalarOf(vectors.ya!))), vectors.Ya);
    assert.equal(hexOf(publicPoint(generator, scalarOf(vectors.yb!))), vectors.Yb);
  });

  it('has the shared point, from either side', () => {
    assert.equal(hexOf(sharedPoint(value('Yb'), scalarOf(vectors.ya!))), vectors.K);
    assert.equal(hexOf(sharedPoint(value('Ya'), scalarOf(vectors.yb!))), vectors.K);
  });

  it('has the session key with an initiator and without one', () => {
    const { initiator, responder } = sharesOf();
    const transcript = transcriptOf(initiator, responder);
    assert.equal(hexOf(sessionKey(value('sid'), value('K'), transcript)), vectors.ISK_IR);
    assert.equal(hexOf(sessionKey(value('sid'), value('K'), transcriptOc())), vectors.ISK_SY);
  });

  it('has the public names of the session', () => {
    const { initiator, responder } = sharesOf();
    assert.equal(hexOf(sessionName(transcriptOf(initiator, responder))), vectors.sid_output_ir);
    assert.equal(hexOf(sessionName(transcriptOc())), vectors.sid_output_oc);
  });

  it('multiplies the valid point of the vectors', () => {
    const { s, X } = points.Valid;
    assert.equal(hexOf(sharedPoint(bytesOf(X!), scalarOf(s!))), points.Valid['G.scalar_mult_vfy(s,X)']);
    const point = ristretto255.Point.fromBytes(Uint8Array.from(bytesOf(X!)));
    assert.equal(hexOf(publicPoint(point, scalarOf(s!))), points.Valid['G.scalar_mult(s,decode(X))']);
  });

  it('refuses both invalid points of the vectors', () => {
    const scalar = scalarOf(points.Valid.s!);
    assert.throws(() => sharedPoint(bytesOf(points['Invalid Y1']), scalar), { code: 'refused', message: /no point/ });
    assert.throws(() => sharedPoint(bytesOf(points['Invalid Y2']), scalar), { code: 'refused', message: /identity/ });
  });
});

describe('CPace', () => {
  const random = (count: number): Uint8Array => randomBytes(count);

  it('refuses or multiplies any bytes, and throws nothing but ResettleError', () => {
    const scalar = sampleScalar(random);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          assert.equal(sharedPoint(bytes, scalar).length, POINT_BYTES);
        } catch (error) {
          assert.ok(error instanceof ResettleError && error.code === 'refused', String(error));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('puts every scalar between 1 and the order less 1, whatever the randomness', () => {
    const order = ristretto255.Point.Fn.ORDER;
    assert.equal(
      sampleScalar((count) => new Uint8Array(count)),
      1n,
    );
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), (bytes) => {
        const scalar = sampleScalar(() => bytes);
        assert.ok(scalar >= 1n && scalar < order);
      }),
    );
  });

  it('writes lists so that no two give the same bytes, and long parts with LEB128 lengths', () => {
    assert.equal(hexOf(lvCat(new Uint8Array(0), bytesOf('AB'))), '0001AB');
    assert.equal(hexOf(lvCat(new Uint8Array(300)).subarray(0, 2)), 'AC02');
    const list = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 4 });
    fc.assert(
      fc.property(list, list, (a, b) => {
        const same = a.length === b.length && a.every((part, at) => hexOf(part) === hexOf(b[at]!));
        assert.equal(hexOf(lvCat(...a)) === hexOf(lvCat(...b)), same);
      }),
    );
  });

  it('agrees where secret, channel and session are the same, and else does not', () => {
    const part = fc.uint8Array({ maxLength: 150 });
    const one = fc.record({ secret: part, channel: part, sid: part });
    fc.assert(
      fc.property(one, fc.option(one, { nil: undefined }), (a, other) => {
        const b = other ?? a;
        const same = (['secret', 'channel', 'sid'] as const).every((name) => hexOf(a[name]) === hexOf(b[name]));
        assert.equal(keysAgree(a, b), same);
      }),
      { numRuns: 30 },
    );
  });

  function keysAgree(a: Record<string, Uint8Array>, b: Record<string, Uint8Array>): boolean {
    const [ya, yb] = [sampleScalar(random), sampleScalar(random)];
    const none = new Uint8Array(0);
    const initiator = { point: publicPoint(generatorOf(a.secret!, a.channel!, a.sid!), ya), associatedData: none };
    const responder = { point: publicPoint(generatorOf(b.secret!, b.channel!, b.sid!), yb), associatedData: none };
    const transcript = transcriptOf(initiator, responder);
    const keyOfA = sessionKey(a.sid!, sharedPoint(responder.point, ya), transcript);
    const keyOfB = sessionKey(b.sid!, sharedPoint(initiator.point, yb), transcript);
    return hexOf(keyOfA) === hexOf(keyOfB);
  }
});
