import { privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys';
import type { PrivateKey } from '@libp2p/interface';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import type { Clock, RandomBytes } from '../../common/clock.ts';
import { ResettleError } from '../../common/errors.ts';
import type { AssociationId, FleetId, PeerIdText } from '../../common/ids.ts';
import { NAME_TEXT_MAX } from '../../common/limits.ts';
import {
  checkInvite,
  createAuthority,
  createInvite,
  createJoinRequest,
  foundFleet,
  type InviteToken,
  type JoinRequest,
  type Member,
  type MemberBody,
  parseInviteToken,
  type RecordBody,
  RecordLog,
  type Role,
} from '../../state/records/index.ts';
import { type Hardware, type HardwareFacts, machineClaim, openHardware } from '../hardware/index.ts';
import type { Home } from '../home/home.ts';
import { type Identity, openIdentity } from '../identity/identity.ts';
import { dropConsent, readConsent, writeConsent } from './consent.ts';
import { nameOf, ownMembership } from './machines.ts';
import { readRecoveryFile, writeRecoveryFile } from './recovery-file.ts';
import { associationOfTicket, ticketTerms } from './tickets.ts';

const AUTHORITY_FILE = 'authority.key';
const INVITE_FILE = 'invite.token';
const TICKET_FILE = 'ticket.token';

export interface FleetOptions {
  readonly home: Home;
  readonly clock: Clock;
  readonly random: RandomBytes;
  /** This machine's name, where it has none yet. */
  readonly name: string;
  /** Default: the real one. */
  readonly hardware?: Hardware;
}

/** A ticket as an operator hands it over. */
export interface MadeTicket {
  readonly association: AssociationId;
  /** The machine that was captured. */
  readonly machine: PeerIdText;
  readonly machineName: string;
  readonly token: string;
  readonly expiresAt: string;
}

/** This machine's part in a fleet as its HOME has it: keys, records, an invite not yet used. Needs no network. */
export class Fleet {
  readonly identity: Identity;
  readonly log: RecordLog;
  /** What this machine can be told by, read once. */
  readonly hardware: HardwareFacts;
  readonly #options: FleetOptions;
  #ticket: InviteToken | undefined;

  private constructor(options: FleetOptions, identity: Identity, log: RecordLog) {
    this.#options = options;
    this.identity = identity;
    this.log = log;
    this.hardware = (options.hardware ?? openHardware()).read();
  }

  /** Takes the lock on HOME. Throws `agent-already-running`; `failed` where a file stands for the hardware and is bad. */
  static async open(options: FleetOptions): Promise<Fleet> {
    const identity = await openIdentity(options.home);
    const log = await RecordLog.open({
      path: options.home.recordsPath,
      privateKey: identity.privateKey,
      clock: options.clock,
      random: options.random,
    });
    try {
      const fleet = new Fleet(options, identity, log);
      await fleet.#readTicket();
      return fleet;
    } catch (error) {
      log.close();
      throw error;
    }
  }

  close(): void {
    this.log.close();
  }

  /** What this machine says of itself: as it last did, with what is given changed. */
  memberBody(
    changes: Partial<Pick<MemberBody, 'name' | 'point' | 'addresses' | 'acceptsOperators' | 'machine'>> = {},
  ): MemberBody {
    const known = this.log.roster().members.get(this.identity.peerId);
    return {
      type: 'member',
      peerId: this.identity.peerId,
      ageRecipient: this.identity.ageRecipient,
      name: known?.name ?? shortName(this.#options.name),
      point: known?.point ?? false,
      addresses: known?.addresses ?? [],
      acceptsOperators: known?.acceptsOperators ?? readConsent(this.#options.home),
      machine: this.#machine(this.log.fleetId),
      ...changes,
    };
  }

  #machine(fleetId: FleetId | undefined): string | null {
    return fleetId === undefined ? null : machineClaim(this.hardware, fleetId);
  }

  /** Says whether this machine takes orders of its fleet's operators from now on. Throws `not-a-member`. */
  async setConsent(acceptsOperators: boolean): Promise<void> {
    const own = ownMembership(this.log.roster(), this.identity.peerId);
    if (own.acceptsOperators !== acceptsOperators) await this.log.append(this.memberBody({ acceptsOperators }));
  }

  /** Makes a fleet with this machine as its first operator. Returns where its keys are. */
  async init(wish: {
    name: string;
    recovery?: { out: string; passphrase: string } | undefined;
  }): Promise<{ authorityKey: string; recovery: boolean }> {
    this.#mustBeFree();
    const { home, random, clock } = this.#options;
    const authorityKey = await createAuthority(random);
    let recoveryRecipient: string | null = null;
    let keptAt = home.path(AUTHORITY_FILE);
    if (wish.recovery) {
      const recoveryIdentity = await generateX25519Identity();
      recoveryRecipient = await identityToRecipient(recoveryIdentity);
      await writeRecoveryFile(wish.recovery.out, wish.recovery.passphrase, { authorityKey, recoveryIdentity });
      keptAt = wish.recovery.out;
    } else {
      home.write(privateKeyToProtobuf(authorityKey), AUTHORITY_FILE);
    }
    const memberBody = this.memberBody();
    await foundFleet(this.log, { name: wish.name, authorityKey, memberBody, recoveryRecipient, now: clock.now() });
    return { authorityKey: keptAt, recovery: wish.recovery !== undefined };
  }

  /** An invite's text. Operators invite members; operators are invited with the authority's key. */
  async invite(wish: {
    expiresMs: number;
    uses: number;
    role: Role;
    recovery?: { file: string; passphrase: string } | undefined;
  }): Promise<{ token: string; expiresAt: string }> {
    const { clock, random } = this.#options;
    const issuerKey = wish.role === 'operator' ? await this.#authorityKey(wish.recovery) : this.identity.privateKey;
    const token = await createInvite({
      log: this.log,
      issuerKey,
      role: wish.role,
      uses: wish.uses,
      expiresInMs: wish.expiresMs,
      seeds: this.#seeds(),
      now: clock.now(),
      random,
    });
    const { invite } = await parseInviteToken(token);
    return { token, expiresAt: new Date(invite.expiresAt).toISOString() };
  }

  /**
   * Ends a machine's membership for ever. What it signed up to now stays valid, what follows does not. Operators revoke
   * members; operators are revoked with the authority's key. Throws `refused` where this machine may not.
   */
  async revoke(machine: Member, recovery: { file: string; passphrase: string } | undefined): Promise<void> {
    const body: RecordBody = {
      type: 'revocation',
      peerId: machine.peerId,
      lastAccepted: this.log.lastLasting(machine.peerId),
    };
    if (machine.role === 'operator' || recovery) {
      await this.log.appendSignedBy(await this.#authorityKey(recovery), body);
      return;
    }
    if (this.log.roster().members.get(this.identity.peerId)?.role !== 'operator') {
      throw new ResettleError('refused', 'only an operator revokes a machine', {
        hint: "run it on an operator's machine",
      });
    }
    await this.log.append(body);
  }

  /**
   * Tickets for machines that are installed anew; `wanted` are associations in place, or the machines that they are for.
   * All of them or none: throws `not-found`, `ambiguous`, `refused` where one cannot be made.
   */
  async tickets(wanted: readonly string[], expiresMs: number): Promise<MadeTicket[]> {
    const { clock, random } = this.#options;
    const roster = this.log.roster();
    const associations = wanted.map((text) => associationOfTicket(roster, text));
    const made: MadeTicket[] = [];
    for (const association of associations) {
      const token = await createInvite({
        log: this.log,
        issuerKey: this.identity.privateKey,
        role: 'member',
        uses: 1,
        expiresInMs: expiresMs,
        seeds: this.#seeds(),
        ticket: await ticketTerms(association, this.identity.ageIdentity),
        now: clock.now(),
        random,
      });
      const { invite } = await parseInviteToken(token);
      const machine = association.body.source;
      made.push({
        association: association.id,
        machine,
        machineName: nameOf(roster, machine),
        token,
        expiresAt: new Date(invite.expiresAt).toISOString(),
      });
    }
    return made;
  }

  #seeds(): string[] {
    return [...(this.log.roster().members.get(this.identity.peerId)?.addresses ?? [])];
  }

  async #authorityKey(recovery: { file: string; passphrase: string } | undefined): Promise<PrivateKey> {
    if (recovery) return (await readRecoveryFile(recovery.file, recovery.passphrase)).authorityKey;
    const bytes = this.#options.home.read(AUTHORITY_FILE);
    if (!bytes) {
      throw new ResettleError(
        'refused',
        "the authority's key is not on this machine, and only it invites and revokes operators",
        {
          hint: 'give the file that "fleet init --recovery-out" wrote with --recovery-file, or take a member',
        },
      );
    }
    return privateKeyFromProtobuf(bytes);
  }

  /**
   * Keeps an invite until a member admits this machine, and whether it will take orders of the fleet's operators. Throws
   * `bad-invite`. `association` is that of a ticket.
   */
  async stageJoin(
    tokenText: string,
    acceptsOperators = false,
  ): Promise<{ fleetId: string; fleetName: string; association: AssociationId | null }> {
    this.#mustBeFree();
    const token = await parseInviteToken(tokenText);
    const roster = await checkInvite(token, this.#options.clock.now());
    writeConsent(this.#options.home, acceptsOperators);
    this.#options.home.write(`${tokenText.trim()}\n`, INVITE_FILE);
    const { fleetId, association } = token.invite;
    return { fleetId, fleetName: roster.fleet?.name ?? '', association };
  }

  /** The invite that waits for an admission. */
  async pendingJoin(): Promise<InviteToken | undefined> {
    const text = this.#options.home.read(INVITE_FILE)?.toString('utf8');
    return text === undefined ? undefined : parseInviteToken(text);
  }

  /** Forgets the invite and its key: it was used, or it is of no use. */
  dropPendingJoin(): void {
    this.#options.home.remove(INVITE_FILE);
  }

  /** The request that this machine sends with its invite; its own log joins the fleet only when it was admitted. */
  async joinRequest(token: InviteToken, body: MemberBody): Promise<JoinRequest> {
    const { clock, random } = this.#options;
    const draft = await RecordLog.open({ path: ':memory:', privateKey: this.identity.privateKey, clock, random });
    try {
      const { fleetId } = token.invite;
      draft.joinFleet(fleetId);
      await draft.insert(token.credential);
      return await createJoinRequest(draft, token, { ...body, machine: this.#machine(fleetId) });
    } finally {
      draft.close();
    }
  }

  /** Takes the credential that an admission came with. Returns whether this machine now is a member. */
  async admitted(token: InviteToken, credential: readonly Uint8Array[], own: Uint8Array): Promise<boolean> {
    this.log.joinFleet(token.invite.fleetId);
    await this.log.insert([...token.credential, ...credential, own]);
    const active = this.log.roster().members.get(this.identity.peerId)?.status === 'active';
    if (!active) return false;
    if (token.ticketIdentity !== null) {
      // Kept before the invite goes: the share holders want to see its key.
      const text = this.#options.home.read(INVITE_FILE);
      if (text) this.#options.home.write(text, TICKET_FILE);
      this.#ticket = token;
    }
    this.dropPendingJoin();
    dropConsent(this.#options.home);
    return true;
  }

  /** The ticket that this machine joined with, until it is spent. It opens shares; keep it to this process. */
  get ticket(): InviteToken | undefined {
    return this.#ticket;
  }

  /** Forgets the ticket and its keys: the state is restored. */
  spendTicket(): void {
    this.#options.home.remove(TICKET_FILE);
    this.#ticket = undefined;
  }

  async #readTicket(): Promise<void> {
    const { home } = this.#options;
    const text = home.read(TICKET_FILE)?.toString('utf8');
    if (text === undefined) return;
    try {
      this.#ticket = await parseInviteToken(text);
    } catch (cause) {
      throw new ResettleError('damaged', `${home.path(TICKET_FILE)} is damaged`, {
        hint: 'put the text of the ticket there again, or move the file away and restore with a recovery file or code',
        cause,
      });
    }
  }

  #mustBeFree(): void {
    const roster = this.log.roster();
    if (roster.members.get(this.identity.peerId)) {
      throw new ResettleError(
        'refused',
        `this machine is in the fleet ${roster.fleet?.name ?? roster.fleetId} already`,
        {
          hint: 'a machine has one fleet; use another --home for another one',
        },
      );
    }
  }
}

function shortName(hostName: string): string {
  return (hostName.split('.')[0] || 'machine').slice(0, NAME_TEXT_MAX);
}
