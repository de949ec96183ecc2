import type { PrivateKey } from '@libp2p/interface';
import { Decrypter, identityToRecipient } from 'age-encryption';
import { asBuffer } from '../../../common/bytes.ts';
import { type ErrorCode, messageOf, ResettleError } from '../../../common/errors.ts';
import type { PeerIdText, StateId } from '../../../common/ids.ts';
import { SHARE_HOLDERS_ASKED_AT_ONCE, SHARE_SEALED_MAX_BYTES } from '../../../common/limits.ts';
import type { SealedShare } from '../../../protocols/shares/messages.ts';
import { SharesClient } from '../../../protocols/shares/shares.ts';
import { keyCheckValue, unwrapStateKey } from '../../../state/format/index.ts';
import { combineShares, type Deal, indexOfShare, openDeal, signRelease } from '../../../state/keys/index.ts';
import type { Association } from '../../../state/records/index.ts';
import type { FleetView } from '../../fleet-view.ts';
import { nameOf } from '../../membership/machines.ts';
import { shareHoldersOf } from './ticket-of.ts';

export interface GatherOptions {
  readonly fleet: Pick<FleetView, 'self' | 'roster' | 'events' | 'connectTo'>;
  readonly association: Association;
  readonly state: StateId;
  /** Of the ticket that this machine joined with. */
  readonly ticket: { readonly inviteKey: PrivateKey; readonly identity: string };
  /** This agent's own `AGE-SECRET-KEY-1…`: shares are sealed to it. */
  readonly ageIdentity: string;
  /** Of the snapshot's descriptor, whose signature was checked: the key must be this one's. */
  readonly keyCheck: Uint8Array;
}

/** The shares of one deal that have come, by their place in it. */
interface Group {
  readonly deal: Deal;
  readonly shares: Map<number, Uint8Array>;
}

interface Problem {
  /** Names the holder. */
  readonly message: string;
  readonly code: ErrorCode;
}

/**
 * Brings shares together until they open the state key. Asks those whose events say that they keep one, a few at once.
 * Throws `refused` where the ticket is not for this association, or too many refuse; `damaged` where the key is not the
 * snapshot's; `failed` where too few answer, naming them.
 */
export async function gatherShares(options: GatherOptions, signal: AbortSignal): Promise<Uint8Array> {
  const { fleet, association, state, ticket } = options;
  // The library's error for what is no identity holds it whole.
  const recipient = await identityToRecipient(ticket.identity).catch(() => undefined);
  if (recipient === undefined || recipient !== association.body.ticketRecipient) {
    throw new ResettleError('refused', 'the ticket is not for this association', {
      hint: 'use the ticket that was made for it: "resettle fleet invite --ticket ASSOCIATION"',
    });
  }
  const gathering = new Gathering(options);
  const holders = [...shareHoldersOf(fleet, association.id, state).keys()].filter(
    (peer) => peer !== fleet.self && fleet.roster().members.get(peer)?.status === 'active',
  );
  await gathering.askAll(holders, signal);
  if (gathering.key) return gathering.key;
  throw gathering.error(holders);
}

/** Who answers so will not change its mind. */
const FINAL: ReadonlySet<ErrorCode> = new Set(['refused', 'not-found', 'damaged']);

class Gathering {
  key: Uint8Array | undefined;
  readonly #options: GatherOptions;
  readonly #groups = new Map<string, Group>();
  readonly #problems: Problem[] = [];
  #wrongKey: ResettleError | undefined;

  constructor(options: GatherOptions) {
    this.#options = options;
  }

  /** Asks a few at once until the key is open. */
  async askAll(holders: readonly PeerIdText[], signal: AbortSignal): Promise<void> {
    const enough = new AbortController();
    const within = AbortSignal.any([signal, enough.signal]);
    const waiting = [...holders];
    const worker = async (): Promise<void> => {
      for (let peer = waiting.shift(); peer && !within.aborted; peer = waiting.shift()) {
        await this.#askOne(peer, within);
        if (this.key) enough.abort(new ResettleError('interrupted', 'there are enough shares'));
      }
    };
    await Promise.all(Array.from({ length: SHARE_HOLDERS_ASKED_AT_ONCE }, worker));
    signal.throwIfAborted();
  }

  async #askOne(peer: PeerIdText, signal: AbortSignal): Promise<void> {
    try {
      const shares = await this.#ask(peer, signal);
      if (shares.length === 0) throw damagedShare('it gave nothing');
      for (const sealed of shares) await this.#take(sealed);
    } catch (error) {
      if (!signal.aborted) this.#problems.push(problemOf(nameOf(this.#options.fleet.roster(), peer), error));
    }
  }

  async #ask(peer: PeerIdText, signal: AbortSignal): Promise<readonly SealedShare[]> {
    const { fleet, association, state, ticket } = this.#options;
    const client = new SharesClient(await fleet.connectTo(peer, signal), nameOf(fleet.roster(), peer));
    const about = { association: association.id, state };
    const nonce = await client.nonce(about, signal);
    const terms = { ...about, nonce, holder: peer, requester: fleet.self };
    return await client.release({ ...about, nonce, signature: await signRelease(ticket.inviteKey, terms) }, signal);
  }

  async #take({ deal: dealBytes, sealed }: SealedShare): Promise<void> {
    const { association, state } = this.#options;
    const deal = await openDeal(dealBytes, association.body.source);
    if (deal.association !== association.id || deal.state !== state) throw damagedShare('it is of another state');
    const share = await this.#unseal(sealed);
    const index = indexOfShare(deal, share);
    if (index === undefined) throw damagedShare('it is not the one that the source gave');
    const group = this.#groups.get(deal.id) ?? { deal, shares: new Map<number, Uint8Array>() };
    this.#groups.set(deal.id, group);
    group.shares.set(index, share);
    if (group.shares.size >= deal.needed) await this.#open(group);
  }

  async #unseal(sealed: Uint8Array): Promise<Uint8Array> {
    const decrypter = new Decrypter();
    decrypter.addIdentity(this.#options.ageIdentity);
    if (sealed.length > SHARE_SEALED_MAX_BYTES) throw damagedShare('it is too long');
    return await decrypter.decrypt(sealed).catch((cause: unknown) => {
      throw damagedShare('it is not sealed to this machine', cause);
    });
  }

  async #open({ deal, shares }: Group): Promise<void> {
    if (this.key) return;
    const { state, ticket, keyCheck } = this.#options;
    try {
      const key = await unwrapStateKey(await combineShares(deal, [...shares.values()]), ticket.identity);
      if (!keyCheckValue(key, state).equals(asBuffer(keyCheck))) throw new Error('another key');
      this.key = key;
    } catch (cause) {
      // All of these shares are what the source dealt, so it dealt wrongly; another deal may still be right.
      this.#wrongKey = new ResettleError('damaged', 'the shares bring a key back that is not that of the state', {
        hint: 'use the recovery file or the recovery code, if there is one',
        cause,
      });
    }
  }

  error(holders: readonly PeerIdText[]): ResettleError {
    if (this.#wrongKey) return this.#wrongKey;
    const best = [...this.#groups.values()].sort((a, b) => b.shares.size - a.shares.size)[0];
    const have = best?.shares.size ?? 0;
    const needed = best ? `${best.deal.needed} are needed` : 'two at least are needed';
    const said = this.#problems.map(({ message }) => message).join('; ');
    const message =
      holders.length === 0
        ? 'no member says that it keeps a share of the key of this state'
        : `${have} of ${holders.length} share holders gave their share, and ${needed}; ${said}`;
    const mayCome = have + this.#problems.filter(({ code }) => !FINAL.has(code)).length;
    if (holders.length > 0 && mayCome < (best?.deal.needed ?? 2)) {
      return new ResettleError('refused', message, {
        hint: 'a ticket is good once, on one machine; the recovery file or the recovery code open the state without it',
      });
    }
    return new ResettleError('failed', message, {
      hint: 'start the agents of the share holders, wait until "resettle peers" shows them connected, and run it again',
    });
  }
}

function problemOf(name: string, error: unknown): Problem {
  const code = error instanceof ResettleError ? error.code : 'failed';
  const message = messageOf(error);
  return { message: message.includes(name) ? message : `${name}: ${message}`, code };
}

function damagedShare(what: string, cause?: unknown): ResettleError {
  return new ResettleError('damaged', `its share is not right: ${what}`, { cause });
}
