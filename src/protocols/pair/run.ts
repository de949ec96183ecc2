/**
 * One run of the pairing protocol at one side, as a machine without input or output: events go in, effects come out.
 * Who owns it sends, waits, counts and keeps the time. Both sides and both roles; docs/PAIRING.md draws it.
 *
 *   initiator                         responder            who shows the code   who typed it
 *   greeting  ----------------------->
 *             <-----------------------  answer (its point)
 *   share (its point) --------------->
 *             proof  <---------------------------------------------------------- tag
 *             proof  ----------------------------------------> tag, opening
 *             opened <---------------------------------------------------------- opening
 *
 * The side where the code was typed proves first; its tag rides on the share if it is the initiator.
 */
import type { RandomBytes } from '../../common/clock.ts';
import { ResettleError } from '../../common/errors.ts';
import type { PeerIdText } from '../../common/ids.ts';
import {
  associatedDataOf,
  type Confirmation,
  channelOf,
  commitmentOf,
  confirmationOf,
  type Ends,
  sameSecret,
  secretOf,
  sessionIdOf,
} from './binding.ts';
import { generatorOf, publicPoint, sampleScalar, sharedPoint } from './cpace.ts';
import {
  type Answer,
  type Greeting,
  NONCE_BYTES,
  type Opening,
  type OtherVersion,
  PAIRING_VERSION,
  type PairMessage,
  type Proof,
  type ShareMessage,
} from './messages.ts';
import { isSignedBy, type Signer, statementOf } from './statement.ts';
import type { Credential, Failure, FailureReason, Kind, Pairing, Purpose, Refusal, Role, Side } from './types.ts';

export interface RunOptions {
  readonly side: Side;
  readonly role: Role;
  readonly purpose: Purpose;
  /** What this side knows; the initiator begins with the first one. */
  readonly credentials: readonly [Credential, ...Credential[]];
  readonly self: Signer;
  /** The peer id that the connection proved. */
  readonly remote: PeerIdText;
  /** What the other side is told about this one, and offered, once both have proved the code. */
  readonly about: Uint8Array;
  readonly random: RandomBytes;
}

export type RunEvent =
  /** The stream is open. */
  | { readonly type: 'start' }
  | { readonly type: 'message'; readonly message: PairMessage | OtherVersion }
  /** Bytes that are no message. */
  | { readonly type: 'garbage' }
  /** The guess that `count` asked for is counted, durably. */
  | { readonly type: 'counted' }
  /** It may not be made. */
  | { readonly type: 'not-allowed'; readonly refusal: Refusal }
  | { readonly type: 'timeout' }
  /** The stream or the connection ended. */
  | { readonly type: 'gone' };

export type RunEffect =
  | { readonly type: 'send'; readonly message: PairMessage }
  /** The next event has to come within PAIRING_STEP_MS; replaces the timer before. */
  | { readonly type: 'timer' }
  /** Count a guess with this kind of secret before anything else; answer with `counted` or `not-allowed`. */
  | { readonly type: 'count'; readonly kind: Kind }
  /** The other side has proved the code: it is used up, before our own proof goes out. */
  | { readonly type: 'use-up' }
  | { readonly type: 'paired'; readonly pairing: Pairing }
  | { readonly type: 'failed'; readonly failure: Failure };

/** What is known once both nonces and both commitments are. */
interface Session {
  readonly credential: Credential;
  readonly sessionId: Uint8Array;
  readonly remoteCommitment: Uint8Array;
}
/** Our point is sent, or about to be. */
interface Keyed extends Session {
  readonly scalar: bigint;
  readonly point: Uint8Array;
}
/** Both points are known: a tag can be made and checked. */
interface Confirming extends Session {
  readonly confirmation: Confirmation;
}

type State =
  | { readonly at: 'new' }
  | { readonly at: 'awaiting-greeting' }
  | { readonly at: 'awaiting-answer'; readonly credential: Credential }
  | { readonly at: 'counting'; readonly session: Session; readonly answer: Answer | undefined }
  | { readonly at: 'awaiting-share'; readonly keyed: Keyed }
  | { readonly at: 'awaiting-proof'; readonly confirming: Confirming }
  | { readonly at: 'awaiting-opening'; readonly confirming: Confirming }
  | { readonly at: 'over' };

const SALT_BYTES = 32;

export class PairingRun {
  readonly #options: RunOptions;
  readonly #ends: Ends;
  readonly #salt: Uint8Array;
  readonly #nonce: Uint8Array;
  readonly #commitment: Uint8Array;
  #state: State = { at: 'new' };
  #counted = false;

  constructor(options: RunOptions) {
    const { side, self, remote, random, about } = options;
    this.#options = options;
    this.#ends =
      side === 'initiator'
        ? { initiator: self.peerId, responder: remote }
        : { initiator: remote, responder: self.peerId };
    this.#salt = random(SALT_BYTES);
    this.#nonce = random(NONCE_BYTES);
    this.#commitment = commitmentOf(this.#salt, about);
  }

  get isOver(): boolean {
    return this.#state.at === 'over';
  }

  /** Takes one event and says what to do, in this order. After `paired` or `failed` nothing more comes. */
  on(event: RunEvent): RunEffect[] {
    const state = this.#state;
    if (state.at === 'over') return [];
    if (event.type === 'timeout' || event.type === 'gone') return this.#fail(event.type);
    if (event.type === 'garbage') return this.#fail('bad-message');
    if (event.type === 'message') return this.#onMessage(event.message);
    if (event.type === 'start' && state.at === 'new') return this.#start();
    if (event.type === 'counted' && state.at === 'counting') return this.#onCounted(state.session, state.answer);
    if (event.type === 'not-allowed' && state.at === 'counting') return this.#refuse(event.refusal);
    throw new TypeError(`a pairing run got ${event.type} while ${state.at}`);
  }

  #onMessage(message: PairMessage | OtherVersion): RunEffect[] {
    const state = this.#state;
    if (message.type === 'refused') return this.#fail(message.refusal ?? 'refused', true);
    if (message.type === 'other-version') return this.#refuse('version');
    if (state.at === 'awaiting-greeting' && message.type === 'greeting') return this.#onGreeting(message);
    if (state.at === 'awaiting-answer' && message.type === 'answer') return this.#onAnswer(message, state.credential);
    if (state.at === 'awaiting-share' && message.type === 'share') return this.#onShare(message, state.keyed);
    if (state.at === 'awaiting-proof' && message.type === 'proof') return this.#onProof(message, state.confirming);
    if (state.at === 'awaiting-opening' && message.type === 'opened') {
      return this.#finish(message.opening, state.confirming, []);
    }
    return this.#fail('bad-message');
  }

  #start(): RunEffect[] {
    const { side, self, remote, role, purpose, credentials } = this.#options;
    // A machine that reaches itself would prove to itself whatever it likes.
    if (self.peerId === remote) return this.#fail('reflected');
    if (side === 'responder') {
      this.#state = { at: 'awaiting-greeting' };
      return [{ type: 'timer' }];
    }
    const [credential] = credentials;
    const { kind } = credential;
    const [nonce, commitment, number] = [this.#nonce, this.#commitment, numberOf(credential)];
    this.#state = { at: 'awaiting-answer', credential };
    const message: Greeting = { type: 'greeting', purpose, role, kind, number, nonce, commitment };
    return [{ type: 'send', message }, { type: 'timer' }];
  }

  #onGreeting(greeting: Greeting): RunEffect[] {
    const wrong = this.#mismatchOf(greeting);
    if (wrong) return wrong;
    const credential = this.#options.credentials.find(
      (one) => one.kind === greeting.kind && numberOf(one) === greeting.number,
    );
    if (!credential) return this.#refuse('no-code');
    const session = {
      credential,
      sessionId: sessionIdOf(greeting.nonce, this.#nonce),
      remoteCommitment: greeting.commitment,
    };
    this.#state = { at: 'counting', session, answer: undefined };
    return [{ type: 'count', kind: credential.kind }];
  }

  #onAnswer(answer: Answer, credential: Credential): RunEffect[] {
    const wrong = this.#mismatchOf(answer);
    if (wrong) return wrong;
    const session = {
      credential,
      sessionId: sessionIdOf(this.#nonce, answer.nonce),
      remoteCommitment: answer.commitment,
    };
    this.#state = { at: 'counting', session, answer };
    return [{ type: 'count', kind: credential.kind }];
  }

  /** A role, nonce or commitment that is ours comes from a mirror; another purpose or role is of no use. */
  #mismatchOf(other: Greeting | Answer): RunEffect[] | undefined {
    const { role, purpose } = this.#options;
    const isOurs = sameSecret(other.nonce, this.#nonce) || sameSecret(other.commitment, this.#commitment);
    if (isOurs) return this.#fail('reflected');
    return other.role === role || other.purpose !== purpose ? this.#refuse('misfit') : undefined;
  }

  /** From here on the other side can make a guess of it. */
  #onCounted(session: Session, answer: Answer | undefined): RunEffect[] {
    this.#counted = true;
    const { purpose, role, random } = this.#options;
    const { credential, sessionId } = session;
    const channel = channelOf(purpose, credential.kind, this.#ends);
    const scalar = sampleScalar(random);
    const point = publicPoint(generatorOf(secretOf(credential), channel, sessionId), scalar);
    const keyed = { ...session, scalar, point };
    if (!answer) {
      this.#state = { at: 'awaiting-share', keyed };
      const [nonce, commitment] = [this.#nonce, this.#commitment];
      return [
        { type: 'send', message: { type: 'answer', purpose, role, nonce, commitment, point } },
        { type: 'timer' },
      ];
    }
    const confirming = this.#confirming(keyed, answer.point);
    if (!('confirmation' in confirming)) return confirming;
    const tag = role === 'types' ? confirming.confirmation.tagOf('initiator') : undefined;
    this.#state = { at: 'awaiting-proof', confirming };
    return [{ type: 'send', message: { type: 'share', point, tag } }, { type: 'timer' }];
  }

  #onShare(share: ShareMessage, keyed: Keyed): RunEffect[] {
    const { role } = this.#options;
    if ((share.tag !== undefined) !== (role === 'shows')) return this.#fail('bad-message');
    const confirming = this.#confirming(keyed, share.point);
    if (!('confirmation' in confirming)) return confirming;
    if (share.tag) return this.#proveSecond(share.tag, confirming);
    this.#state = { at: 'awaiting-proof', confirming };
    const tag = confirming.confirmation.tagOf('responder');
    return [{ type: 'send', message: { type: 'proof', tag, opening: undefined } }, { type: 'timer' }];
  }

  /** The keys, or the failure that a bad point is. */
  #confirming(keyed: Keyed, otherPoint: Uint8Array): Confirming | RunEffect[] {
    const { side, role } = this.#options;
    if (sameSecret(otherPoint, keyed.point)) return this.#fail('reflected');
    let shared: Uint8Array;
    try {
      shared = sharedPoint(otherPoint, keyed.scalar);
    } catch (error) {
      if (error instanceof ResettleError) return this.#fail('bad-message');
      throw error;
    }
    const number = numberOf(keyed.credential);
    const dataOf = (of: Role, commitment: Uint8Array) => associatedDataOf(of, PAIRING_VERSION, number, commitment);
    const own = { point: keyed.point, associatedData: dataOf(role, this.#commitment) };
    const other = {
      point: otherPoint,
      associatedData: dataOf(role === 'shows' ? 'types' : 'shows', keyed.remoteCommitment),
    };
    const [initiator, responder] = side === 'initiator' ? [own, other] : [other, own];
    const { credential, sessionId, remoteCommitment } = keyed;
    const confirmation = confirmationOf(sessionId, shared, initiator, responder);
    return { credential, sessionId, remoteCommitment, confirmation };
  }

  #onProof(proof: Proof, confirming: Confirming): RunEffect[] {
    if ((proof.opening !== undefined) !== (this.#options.role === 'types')) return this.#fail('bad-message');
    if (!proof.opening) return this.#proveSecond(proof.tag, confirming);
    if (!this.#isProved(proof.tag, confirming)) return this.#refuse('wrong-code');
    const opened: RunEffect = { type: 'send', message: { type: 'opened', opening: this.#openingOf(confirming) } };
    return this.#finish(proof.opening, confirming, [opened]);
  }

  /** The side that shows the code: only who has proved it gets our proof, and nobody after him. */
  #proveSecond(tag: Uint8Array, confirming: Confirming): RunEffect[] {
    if (!this.#isProved(tag, confirming)) return this.#refuse('wrong-code');
    this.#state = { at: 'awaiting-opening', confirming };
    const own = confirming.confirmation.tagOf(this.#options.side);
    const proof: PairMessage = { type: 'proof', tag: own, opening: this.#openingOf(confirming) };
    return [{ type: 'use-up' }, { type: 'send', message: proof }, { type: 'timer' }];
  }

  #isProved(tag: Uint8Array, confirming: Confirming): boolean {
    const other: Side = this.#options.side === 'initiator' ? 'responder' : 'initiator';
    return sameSecret(tag, confirming.confirmation.tagOf(other));
  }

  #openingOf(confirming: Confirming): Opening {
    const { about, self } = this.#options;
    return { salt: this.#salt, about, signature: self.sign(statementOf(this.#recordOf(confirming))) };
  }

  #recordOf({ confirmation }: Confirming) {
    return { purpose: this.#options.purpose, ...this.#ends, session: confirmation.session };
  }

  #finish(opening: Opening, confirming: Confirming, last: RunEffect[]): RunEffect[] {
    const { side, self, remote } = this.#options;
    const record = this.#recordOf(confirming);
    const statement = statementOf(record);
    const isKept = sameSecret(commitmentOf(opening.salt, opening.about), confirming.remoteCommitment);
    if (!isKept || !isSignedBy(remote, statement, opening.signature)) return this.#fail('bad-opening');
    const [own, other] = [self.sign(statement), opening.signature];
    const signatures =
      side === 'initiator' ? { initiator: own, responder: other } : { initiator: other, responder: own };
    this.#state = { at: 'over' };
    const pairing: Pairing = { record: { ...record, signatures }, remote, remoteAbout: opening.about };
    return [...last, { type: 'paired', pairing }];
  }

  #refuse(refusal: Refusal): RunEffect[] {
    return [{ type: 'send', message: { type: 'refused', refusal } }, ...this.#fail(refusal)];
  }

  #fail(reason: FailureReason, told = false): RunEffect[] {
    this.#state = { at: 'over' };
    return [{ type: 'failed', failure: { reason, counted: this.#counted, told } }];
  }
}

function numberOf(credential: Credential): string {
  return credential.kind === 'words' ? credential.code.number : '';
}
