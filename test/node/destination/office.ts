/** One old machine, one new one, and points, in one process: real protocols and restores, a roster by hand. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connection } from '@libp2p/interface';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import type { Libp2p } from 'libp2p';
import { systemClock } from '../../../src/common/clock.ts';
import { ResettleError } from '../../../src/common/errors.ts';
import type { AssociationId, PeerIdText } from '../../../src/common/ids.ts';
import type { TaskEvent } from '../../../src/node/events.ts';
import type { FleetView } from '../../../src/node/fleet-view.ts';
import { Home } from '../../../src/node/home/home.ts';
import {
  type DestinationOptions,
  type RestoreDone,
  type RestoreRequest,
  restoreFromPoint,
} from '../../../src/node/roles/destination/restore.ts';
import { describeSnapshot } from '../../../src/state/capture/index.ts';
import { digest, wrapStateKey } from '../../../src/state/format/index.ts';
import {
  type Association,
  type AssociationBody,
  type EventBody,
  type Member,
  plainAssociation,
  plainEvent,
  type Roster,
  type SignedEvent,
  type StoredRecord,
} from '../../../src/state/records/index.ts';
import { connect, startNode } from '../../protocols/support.ts';
import { about, captureTree, identity } from '../../state/support/source-machine.ts';
import { QUICK } from './fake-holder.ts';
import { hashText, MemoryPoint, type Snapshot } from './memory-point.ts';

const seed = new Uint8Array(32);

export class Office {
  readonly dir = mkdtempSync(join(tmpdir(), 'resettle-office-'));
  readonly points: MemoryPoint[] = [];
  readonly told: SignedEvent[] = [];
  readonly notes: string[] = [];
  readonly node: Libp2p;
  readonly self: PeerIdText;
  readonly ageIdentity: string;
  readonly members = new Map<PeerIdText, Member>();
  readonly associations = new Map<AssociationId, Association>();
  readonly pastAssociations = new Map<AssociationId, Association>();
  readonly association: Association;
  readonly down = new Set<PeerIdText>();
  readonly #listeners = new Set<() => void>();
  /** Where `append` fails. */
  isMute = false;
  readonly fleet: FleetView;

  private constructor(node: Libp2p, ageIdentity: string) {
    this.node = node;
    this.ageIdentity = ageIdentity;
    this.self = node.peerId.toString() as PeerIdText;
    this.addMember(this.self, 'desk');
    this.addMember(identity.source, 'laptop');
    this.association = this.associate({ destination: this.self });
    this.fleet = {
      self: this.self,
      roster: () => this.#roster(),
      connectTo: (peer) => this.#connectTo(peer),
      refresh: async () => {},
      append: (body) => this.#append(body as EventBody),
      events: (id) => this.told.filter(({ body }) => body.association === id),
      onChange: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
      envelopeOf: () => undefined,
    };
  }

  static async open(): Promise<Office> {
    return new Office(await startNode(), await generateX25519Identity());
  }

  async close(): Promise<void> {
    await Promise.all([this.node, ...this.points.map(({ node }) => node)].map((node) => node.stop()));
    rmSync(this.dir, { recursive: true, force: true });
  }

  path(...names: string[]): string {
    return join(this.dir, ...names);
  }

  addMember(peerId: PeerIdText, name: string, changes: Partial<Member> = {}): void {
    this.members.set(peerId, {
      peerId,
      name,
      ageRecipient: '',
      role: 'member',
      status: 'active',
      point: false,
      addresses: [],
      acceptsOperators: false,
      machine: null,
      admittedBy: peerId,
      admittedAt: 0,
      admissionHash: '' as Member['admissionHash'],
      memberRecordHash: '' as Member['memberRecordHash'],
      ...changes,
    });
  }

  associate(changes: Partial<AssociationBody> & { readonly signer?: PeerIdText }, number = 1): Association {
    const { signer = identity.source, ...body } = changes;
    const id = String(number).padStart(64, '0') as AssociationId;
    const parties = {
      source: identity.source,
      destination: null,
      mode: 'side-by-side',
      nonce: '00'.repeat(16),
    } as const;
    const association: Association = {
      id,
      signer,
      body: { ...plainAssociation(parties), ...body },
      createdAt: 0,
      destination: body.destination ?? this.self,
      ended: false,
    };
    this.associations.set(id, association);
    return association;
  }

  async point(name: string): Promise<MemoryPoint> {
    const point = await MemoryPoint.start(name);
    point.state = identity.stateId;
    point.association = this.association.id;
    point.destination = this.self;
    point.keys.set('', await wrapStateKey(identity.stateKey, await identityToRecipient(this.ageIdentity)));
    this.points.push(point);
    this.addMember(point.peerId, name, { point: true });
    return point;
  }

  /** Captures a folder as that snapshot; another key may sign it than the source's. */
  async capture(folder: string, number = 1, privateKey = identity.privateKey): Promise<Snapshot> {
    const scratch = this.path(`scratch-${number}`);
    mkdirSync(scratch, { recursive: true });
    const { result, packs } = await captureTree(scratch, [folder]);
    const of = { ...about(identity), association: this.association.id, snapshot: number, privateKey };
    const descriptor = await describeSnapshot(result, { ...of, previous: number > 1 ? seed : undefined });
    return { number, descriptor, hash: hashText(digest(descriptor)), packs: packs.packs };
  }

  /** What a party says, the newest of each subject. */
  say(
    signer: PeerIdText,
    body: Pick<EventBody, 'step' | 'phase'> & Partial<EventBody>,
    time = Date.now(),
  ): SignedEvent {
    const event: SignedEvent = {
      signer,
      time,
      body: plainEvent({
        association: this.association.id,
        state: identity.stateId,
        snapshot: 1,
        ...body,
      }),
    };
    const same = this.told.findIndex(
      (one) => one.signer === signer && one.body.step === event.body.step && one.body.state === event.body.state,
    );
    if (same >= 0) this.told.splice(same, 1);
    this.told.push(event);
    for (const listener of this.#listeners) listener();
    return event;
  }

  /** As after a commit: the source and these points say that they have it. */
  committed({ number, hash }: Snapshot, holders: readonly MemoryPoint[], time = Date.now()): void {
    const about = { snapshot: number, descriptorHash: hash };
    this.say(identity.source, { step: 'commit', phase: 'stored', ...about }, time);
    for (const { peerId } of holders) this.say(peerId, { step: 'holder', phase: 'held', ...about }, time);
  }

  saidBy(signer: PeerIdText, step: EventBody['step']): SignedEvent | undefined {
    return this.told.find((event) => event.signer === signer && event.body.step === step);
  }

  async restore(
    wish: Partial<RestoreRequest> & { readonly into: string },
    options: Partial<DestinationOptions> = {},
    signal = new AbortController().signal,
    onEvent: (event: TaskEvent) => void = () => {},
  ): Promise<RestoreDone> {
    const request = { strip: true, root: false, allowPrivileged: false, mapUsers: [], dryRun: false, from: 'laptop' };
    const emit = (event: TaskEvent): void => {
      if (event.event === 'note') this.notes.push(event.message);
      onEvent(event);
    };
    return restoreFromPoint(
      {
        fleet: this.fleet,
        point: undefined,
        keys: { ageIdentity: this.ageIdentity },
        home: new Home(this.path('home')),
        clock: systemClock,
        random: (count) => crypto.getRandomValues(new Uint8Array(count)),
        timing: { ...QUICK, stallMs: 5_000, reconnectMs: 400, retryFirstMs: 20, retryLastMs: 50 },
        ...options,
      },
      { ...request, ...wish },
      emit,
      signal,
    );
  }

  #roster(): Roster {
    return {
      fleetId: undefined,
      authority: undefined,
      fleet: undefined,
      authorityTime: 0,
      members: this.members,
      associations: this.associations,
      pastAssociations: this.pastAssociations,
      forks: [],
      problems: [],
    };
  }

  async #connectTo(peer: PeerIdText): Promise<Connection> {
    const point = this.points.find(({ peerId }) => peerId === peer);
    if (!point || this.down.has(peer)) {
      throw new ResettleError('failed', `${this.members.get(peer)?.name} cannot be reached: it has not been seen`);
    }
    const open = this.node.getConnections(point.node.peerId).find(({ status }) => status === 'open');
    return open ?? (await connect(this.node, point.node));
  }

  async #append(body: EventBody): Promise<StoredRecord> {
    if (this.isMute) throw new ResettleError('not-a-member', 'this machine may not sign this event record');
    const event = this.say(this.self, body);
    return { hash: 'ab'.repeat(32), header: { time: event.time }, body } as unknown as StoredRecord;
  }
}
