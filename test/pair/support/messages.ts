/** Every message that an honest or a hostile peer may send, of the right form. */
import fc from 'fast-check';
import type { PairMessage } from '../../../src/protocols/pair/messages.ts';
import { KINDS, PURPOSES, REFUSALS, ROLES } from '../../../src/protocols/pair/types.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const offer = {
  purpose: fc.constantFrom(...PURPOSES),
  role: fc.constantFrom(...ROLES),
  nonce: bytes(32),
  commitment: bytes(32),
};
const opening = fc.record({ salt: bytes(32), about: fc.uint8Array({ maxLength: 200 }), signature: bytes(64) });
const numbered = fc.oneof(
  fc.record({ kind: fc.constant(KINDS[0]), number: fc.nat(999).map((one) => String(one).padStart(3, '0')) }),
  fc.record({ kind: fc.constant(KINDS[1]), number: fc.constant('') }),
);
export const anyMessage: fc.Arbitrary<PairMessage> = fc.oneof(
  fc.tuple(fc.record(offer), numbered).map(([a, b]): PairMessage => ({ type: 'greeting', ...a, ...b })),
  fc.record({ type: fc.constant('answer' as const), ...offer, point: bytes(32) }),
  fc.record({ type: fc.constant('share' as const), point: bytes(32), tag: fc.option(bytes(32), { nil: undefined }) }),
  fc.record({ type: fc.constant('proof' as const), tag: bytes(32), opening: fc.option(opening, { nil: undefined }) }),
  fc.record({ type: fc.constant('opened' as const), opening }),
  fc.record({ type: fc.constant('refused' as const), refusal: fc.constantFrom(...REFUSALS, undefined) }),
);
