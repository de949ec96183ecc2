/** Machines of one fleet in this process: real records, real links on loopback, real protocol code, real keys. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import type { Connection } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import type { Libp2p } from 'libp2p';
import { ResettleError } from '../../../../src/common/errors.ts';
import { type AssociationId, associationId, type PeerIdText, type StateId } from '../../../../src/common/ids.ts';
import type { FleetView } from '../../../../src/node/fleet-view.ts';
import { Home } from '../../../../src/node/home/home.ts';
import { createLink } from '../../../../src/node/link/libp2p-node.ts';
import type { Log } from '../../../../src/node/log.ts';
import { ShareHolder } from '../../../../src/node/roles/share-holder/index.ts';
import { serveShares } from '../../../../src/protocols/shares/shares.ts';
import { membersOnly } from '../../../../src/protocols/wire/registrar.ts';
import { makeTicketKey, openTicketKey } from '../../../../src/state/keys/index.ts';
import {
  type Association,
  type AssociationBody,
  createInvite,
  parseInviteToken,
  plainAssociation,
} from '../../../../src/state/records/index.ts';
import { fleetOf, join, type Machine, machine, memberBody, randomFrom, sync } from '../../../records/machines.ts';

export const silent: Log = {
  level: 'silent',
  ...Object.fromEntries(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'].map((name) => [name, () => {}])),
} as unknown as Log;

/** One machine of the office. */
export class Desk implements FleetView {
  readonly machine: Machine;
  readonly ageIdentity: string;
  readonly home: Home;
  readonly link: Libp2p;
  readonly office: Office;
  readonly states = new Set<StateId>();
  holder!: ShareHolder;
  online = true;

  constructor(office: Office, of: Machine, ageIdentity: string, home: Home, link: Libp2p) {
    this.office = office;
    this.machine = of;
    this.ageIdentity = ageIdentity;
    this.home = home;
    this.link = link;
  }

  get self(): PeerIdText {
    return this.machine.peerId;
  }
  roster(): ReturnType<FleetView['roster']> {
    return this.machine.log.roster();
  }
  append: FleetView['append'] = (body) => this.machine.log.append(body);
  events: FleetView['events'] = (id) => this.machine.log.events(id);
  onChange: FleetView['onChange'] = (listener) => this.machine.log.onChange(listener);
  envelopeOf: FleetView['envelopeOf'] = (id) => this.machine.log.envelopeOf(id as never);
  async refresh(): Promise<void> {
    await this.office.syncAll();
  }
  async connectTo(peer: PeerIdText, signal: AbortSignal): Promise<Connection> {
    const other = this.office.desks.find(({ self }) => self === peer);
    if (!other?.online)
      throw new ResettleError('failed', `${other?.machine.name ?? peer} cannot be reached: it is off`);
    return await this.link.dial(multiaddr(other.link.getMultiaddrs()[0]!.toString()), { signal });
  }

  /** As after a restart of the agent: from what HOME and the records have. */
  async startHolder(): Promise<void> {
    this.holder?.stop();
    const { home, machine: of, states } = this;
    this.holder = new ShareHolder({
      fleet: this,
      home,
      clock: of.clock,
      random: of.random,
      log: silent,
      holdsState: (state) => states.has(state),
    });
    await this.holder.start();
  }

  association(id: AssociationId): Association {
    const found = this.roster().associations.get(id);
    if (!found) throw new Error('no such association');
    return found;
  }
}

export class Office {
  readonly desks: Desk[] = [];
  readonly #dir = mkdtempSync(joinPath(tmpdir(), 'resettle-office-'));

  /** An office with an operator `boss` and these members. */
  static async open(name: string, members: readonly string[]): Promise<Office> {
    const office = new Office();
    const { operator } = await fleetOf(name);
    // The founder's recipient is made up; nothing is sealed to it but through `adopt`, which admits real ones.
    const boss = await office.#desk(operator, await generateX25519Identity());
    for (const member of members) await office.adopt(`${name} ${member}`, boss);
    await office.syncAll();
    return office;
  }

  get boss(): Desk {
    return this.desks[0]!;
  }

  desk(name: string): Desk {
    const found = this.desks.find(({ machine: { name: full } }) => full.endsWith(` ${name}`));
    if (!found) throw new Error(`no desk ${name}`);
    return found;
  }

  /** A new machine that joins with a token, or with a fresh invite of the admitter's. */
  async adopt(name: string, admitter: Desk, token?: string): Promise<Desk> {
    const ageIdentity = await generateX25519Identity();
    const base = await machine(name);
    const of: Machine = { ...base, ageRecipient: await identityToRecipient(ageIdentity) };
    const invite = token ?? (await this.#invite(admitter));
    await join(of, admitter.machine, invite, memberBody(of));
    return await this.#desk(of, ageIdentity);
  }

  /** Every record everywhere. */
  async syncAll(): Promise<void> {
    for (let round = 0; round < 2; round += 1) {
      for (const desk of this.desks.slice(1)) await sync(desk.machine, this.boss.machine);
    }
  }

  /** An association in place with a ticket key for an operator's identity. */
  async inPlace(source: Desk, changes: Partial<AssociationBody> = {}, { spread = true } = {}): Promise<Plan> {
    const operator = await generateX25519Identity();
    const ticketKey = await makeTicketKey([await identityToRecipient(operator)]);
    const parties = { source: source.self, destination: null, mode: 'in-place', nonce: '0a'.repeat(16) } as const;
    const record = await source.append({
      ...plainAssociation(parties),
      ticketRecipient: ticketKey.recipient,
      ticketSealed: ticketKey.sealed,
      ...changes,
    });
    if (spread) await this.syncAll();
    return { id: associationId(record.hash), identity: await openTicketKey(ticketKey, operator) };
  }

  ticket(plan: Plan): Promise<string> {
    const { machine: of } = this.boss;
    return createInvite({
      log: of.log,
      issuerKey: of.key,
      role: 'member',
      uses: 1,
      expiresInMs: 86_400_000,
      seeds: [],
      ticket: { association: plan.id, identity: plan.identity },
      now: of.clock.now(),
      random: of.random,
    });
  }

  /** The machine after it was installed anew: a new key, a ticket. Returns it with what the ticket has. */
  async reimage(
    name: string,
    plan: Plan,
    token?: string,
    { spread = true } = {},
  ): Promise<{ desk: Desk; ticket: TicketKeys }> {
    const text = token ?? (await this.ticket(plan));
    const desk = await this.adopt(name, this.boss, text);
    if (spread) await this.syncAll();
    const parsed = await parseInviteToken(text);
    return { desk, ticket: { inviteKey: parsed.inviteKey, identity: parsed.ticketIdentity! } };
  }

  async close(): Promise<void> {
    for (const desk of this.desks) {
      desk.holder.stop();
      await desk.link.stop();
      desk.machine.log.close();
    }
    rmSync(this.#dir, { recursive: true, force: true });
  }

  async #invite(admitter: Desk): Promise<string> {
    const { machine: of } = admitter;
    return await createInvite({
      log: of.log,
      issuerKey: of.key,
      role: 'member',
      uses: 1,
      expiresInMs: 86_400_000,
      seeds: [],
      now: of.clock.now(),
      random: of.random,
    });
  }

  async #desk(of: Machine, ageIdentity: string): Promise<Desk> {
    const home = new Home(joinPath(this.#dir, of.peerId));
    const link = await createLink({
      privateKey: of.key,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      guard: (registrar) => registrar,
    });
    await link.start();
    const desk = new Desk(this, of, ageIdentity, home, link);
    this.desks.push(desk);
    await desk.startHolder();
    const guarded = membersOnly(
      { handle: (protocol, handler, options) => link.handle(protocol, handler, options) },
      (peer) => desk.roster().members.get(peer as PeerIdText)?.status === 'active',
      () => {},
    );
    await serveShares(
      guarded,
      { onSharesRequest: (request, remote) => desk.holder.onSharesRequest(request, remote) },
      () => {},
    );
    return desk;
  }
}

export interface Plan {
  readonly id: AssociationId;
  /** The ticket key's private half. */
  readonly identity: string;
}

export type TicketKeys = { readonly inviteKey: Machine['key']; readonly identity: string };

export { randomFrom };
