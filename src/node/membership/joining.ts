import type { Connection } from '@libp2p/interface';
import { bytesOfHex } from '../../common/bytes.ts';
import type { Clock } from '../../common/clock.ts';
import { ResettleError } from '../../common/errors.ts';
import { type PeerIdText, peerIdText } from '../../common/ids.ts';
import { sayHello } from '../../protocols/hello/hello.ts';
import { WIRE_VERSION } from '../../protocols/hello/messages.ts';
import { errorOfFault } from '../../protocols/wire/fault.ts';
import { checkInvite, type InviteToken, type MemberBody } from '../../state/records/index.ts';
import type { Log } from '../log.ts';
import type { Fleet } from './fleet.ts';

/** What of this machine's fleet joining needs. */
export type JoiningFleet = Pick<Fleet, 'log' | 'pendingJoin' | 'dropPendingJoin' | 'joinRequest' | 'admitted'>;

/** A refusal, and whether it comes from somebody whom the invite itself proves to be of the fleet. */
interface Refusal {
  readonly error: ResettleError;
  readonly certain: boolean;
}

/** The invite that waits in HOME until a member admits this machine, and what came of it so far. */
export class Joining {
  readonly #fleet: JoiningFleet;
  readonly #clock: Clock;
  readonly #log: Log;
  #seeds: readonly string[] = [];
  #refusal: Refusal | undefined;

  constructor(fleet: JoiningFleet, clock: Clock, log: Log) {
    this.#fleet = fleet;
    this.#clock = clock;
    this.#log = log;
  }

  /** Where the issuer's side listens. */
  get seeds(): readonly string[] {
    return this.#seeds;
  }

  /** Why this machine was not admitted, if somebody said so. Strangers may lie: only a certain one ends an attempt. */
  get refusal(): Refusal | undefined {
    return this.#refusal;
  }

  /** A new invite has come: what was said of the last one is over. */
  begin(): void {
    this.#refusal = undefined;
  }

  /** Forgets the invite after a refusal. */
  giveUp(refusal: Refusal): ResettleError {
    this.#fleet.dropPendingJoin();
    this.#refusal = { ...refusal, certain: true };
    return refusal.error;
  }

  /** The invite, if there is one. One that has run out or is damaged is forgotten, and the refusal says so. */
  async pending(): Promise<InviteToken | undefined> {
    try {
      const token = await this.#fleet.pendingJoin();
      if (token) await checkInvite(token, this.#clock.now());
      this.#seeds = token?.seeds ?? [];
      return token;
    } catch (error) {
      if (!(error instanceof ResettleError) || error.code !== 'bad-invite') throw error;
      this.#log.warn({ err: error }, 'the invite is of no use; it is forgotten');
      this.giveUp({ error, certain: true });
      return undefined;
    }
  }

  /** Shows the invite to a peer. Returns whether this machine was admitted. Throws what the peer answered. */
  async ask(connection: Connection, body: MemberBody, signal: AbortSignal): Promise<boolean> {
    const token = await this.pending();
    if (!token) return false;
    const remote = peerIdText(connection.remotePeer.toString());
    const { invite, member, joinSignature: signature } = await this.#fleet.joinRequest(token, body);
    const fleet = bytesOfHex(token.invite.fleetId);
    const answer = await sayHello(
      connection,
      { version: WIRE_VERSION, fleet, join: { invite, member, signature } },
      signal,
    );
    if (answer.fault) {
      const error = errorOfFault(answer.fault, remote);
      this.#log.warn({ err: error }, 'joining was refused');
      if (error.code === 'bad-invite') {
        const certain = await this.#isKnown(token, remote);
        if (!this.#refusal?.certain) this.#refusal = { error, certain };
      }
      throw error;
    }
    if (answer.credential.length === 0) return false;
    const admitted = await this.#fleet.admitted(token, answer.credential, member);
    if (admitted) this.#log.info({ fleet: this.#fleet.log.roster().fleet?.name }, 'joined');
    return admitted;
  }

  async #isKnown(token: InviteToken, peer: PeerIdText): Promise<boolean> {
    const roster = await checkInvite(token, this.#clock.now());
    return roster.members.get(peer)?.status === 'active';
  }
}
