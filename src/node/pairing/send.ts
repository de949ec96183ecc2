/** The old machine: scans, shows a code, and answers what the machine that proved it asks for, until it has everything. */
import { mkdirSync } from 'node:fs';
import { generateKeyPair } from '@libp2p/crypto/keys';
import { messageOf, ResettleError } from '../../common/errors.ts';
import { serveDecline } from '../../protocols/pair/decline.ts';
import { AREA_NAMES, type AreaName } from '../../state/areas/base/names.ts';
import { digest, newStateId } from '../../state/format/index.ts';
import { DOCUMENTS_NAME, type SourceTree } from '../../state/plan/source-tree.ts';
import { DEFAULT_PORT } from '../link/start-link.ts';
import { ProgressMeter } from '../progress-meter.ts';
import { refuseEmpty } from '../roles/source/refuse-empty.ts';
import { openScope, type Scope } from '../scope/open-scope.ts';
import { type About, decodeAbout, encodeAbout, makeOffer, shownMachine, shownOffer } from './about.ts';
import { DirectDoor } from './door.ts';
import { pause } from './find.ts';
import { KeptPairings, type KeptSender, type PairingFolder } from './kept.ts';
import { addressesWith, PairingNode } from './pairing-node.ts';
import { showAndPair } from './showing.ts';
import { KNOWN_PEER_TAG } from './tags.ts';
import type { DirectSummary, PairingEmit, PairingGround, Sending, ShownMachine, WorkEvents } from './types.ts';

export interface SendRequest {
  /** Absolute. Empty, and no areas: what the newest unfinished one sends, else everything that areas take. */
  readonly paths: readonly string[];
  readonly areas: readonly AreaName[];
  /** Multiaddrs; empty means the default port. */
  readonly listen: readonly string[];
  /** Begins anew, though an unfinished one of the same PATHs is there. */
  readonly isNew: boolean;
  /** Folders of this program's own that are never sent. */
  readonly exclude: readonly string[];
}

export interface SendDone extends ShownMachine {
  readonly peerId: string;
  readonly state: string;
  readonly files: number;
  readonly bytes: number;
  /** Items that were left out here, or need a person there. */
  readonly skipped: number;
  readonly seconds: number;
  /** The receiver says that it has checked every file against its hash. */
  readonly verified: true;
}

/** How often the pairing's age is looked at while nobody is connected. */
const AGE_EVERY_MS = 30_000;
/** After the last word, the receiver closes the stream. */
const QUIET_MS = 2_000;

/** Throws `refused` for a burnt or expired code, and where the person there said no; `interrupted` at the signal. */
export async function send(
  ground: PairingGround,
  request: SendRequest,
  emit: PairingEmit,
  signal: AbortSignal,
): Promise<SendDone> {
  const pairings = new KeptPairings(ground.home, ground.clock);
  const kept = request.isNew ? undefined : unfinished(pairings, request, emit);
  const isBare = request.paths.length === 0 && request.areas.length === 0;
  const asked = !kept && isBare ? { ...request, areas: AREA_NAMES } : request;
  const folder = kept ? pairings.hold(kept.id) : pairings.create(ground.random);
  return new SenderRun(ground, pairings, folder, asked, emit, signal).run(kept);
}

/** The newest unfinished one of the same PATHs; of any PATHs where none are given. */
function unfinished(pairings: KeptPairings, request: SendRequest, emit: PairingEmit): KeptSender | undefined {
  const onProblem = (message: string): void => emit({ event: 'note', message });
  const keyOf = ({ paths, areas }: Pick<SendRequest, 'paths' | 'areas'>): string =>
    [...[...paths].sort(), '', ...[...areas].sort()].join('\0');
  const isBare = request.paths.length === 0 && request.areas.length === 0;
  return pairings.list('sender', onProblem).find((kept) => isBare || keyOf(kept) === keyOf(request));
}

class SenderRun {
  readonly #ground: PairingGround;
  readonly #pairings: KeptPairings;
  readonly #folder: PairingFolder;
  readonly #request: SendRequest;
  readonly #emit: PairingEmit;
  readonly #signal: AbortSignal;
  readonly #meter: ProgressMeter;
  readonly #work: WorkEvents;
  #startedMs = 0;

  constructor(
    ground: PairingGround,
    pairings: KeptPairings,
    folder: PairingFolder,
    request: SendRequest,
    emit: PairingEmit,
    signal: AbortSignal,
  ) {
    this.#ground = ground;
    this.#pairings = pairings;
    this.#folder = folder;
    this.#request = request;
    this.#emit = emit;
    this.#signal = signal;
    this.#meter = new ProgressMeter(ground.clock, emit);
    this.#work = { onProgress: this.#meter.onProgress, signal };
  }

  async run(kept: KeptSender | undefined): Promise<SendDone> {
    let isKept = kept !== undefined;
    try {
      const done = await (kept
        ? this.#goOn(kept)
        : this.#begin(() => {
            isKept = true;
          }));
      isKept = false;
      return done;
    } catch (error) {
      if (error instanceof ResettleError && error.code === 'refused') isKept = false;
      throw error;
    } finally {
      if (isKept) this.#folder.release();
      else this.#folder.remove();
    }
  }

  /** What areas say lies beside the plan, for as long as that. */
  #place(): { planDir: string; scratchDir: string; exclude: Uint8Array[]; tree: SourceTree } {
    const [planDir, scratchDir, documents] = ['plan', 'scratch', 'areas'].map((name) => this.#folder.path(name)) as [
      string,
      string,
      string,
    ];
    for (const dir of [planDir, scratchDir, documents]) mkdirSync(dir, { recursive: true, mode: 0o700 });
    const exclude = this.#ownFolders().map((path) => Buffer.from(path));
    return { planDir, scratchDir, exclude, tree: { root: '/', documents } };
  }

  async #scope(): Promise<Scope> {
    const { clock, home } = this.#ground;
    const { paths, areas } = this.#request;
    const { tree } = this.#place();
    return await openScope(
      { paths, areas, root: '/' },
      {
        ...{
          exclude: this.#ownFolders(),
          folder: tree.documents!,
          ruleFolders: home.ruleFolders(),
          nowMs: clock.now(),
        },
        ...{ emit: this.#emit, signal: this.#signal },
      },
    );
  }

  #ownFolders(): string[] {
    return [this.#ground.home.dir, ...this.#request.exclude];
  }

  async #begin(onKept: () => void): Promise<SendDone> {
    const { random, clock, machine, rooms } = this.#ground;
    const scope = await this.#scope();
    const privateKey = await generateKeyPair('Ed25519');
    const node = await this.#startNode(privateKey, DEFAULT_PORT);
    let sending: Sending | undefined;
    try {
      const state = newStateId(node.self.peerId, random(32));
      const stateKey = random(32);
      sending = await rooms.planSend(
        {
          ...this.#place(),
          paths: scope.paths.map((path) => Buffer.from(path)),
          filter: scope.filter,
          stateId: state,
          stateKey,
          capturedAtNs: BigInt(clock.now()) * 1_000_000n,
          machineName: machine.name,
          platform: `${process.platform} ${process.arch}`,
          privateKey,
        },
        this.#work,
      );
      this.#meter.finish();
      const { plan, descriptor } = sending;
      for (const path of plan.excluded) this.#note(`left out, the agent's own: ${path}`);
      refuseEmpty(plan, plan.skipped, this.#emit);
      for (const item of plan.skipped.items) this.#emit({ event: 'skipped', ...item });
      const offer = makeOffer(plan, offered(scope), state, digest(descriptor));
      this.#emit({ event: 'offer', ...shownOffer(offer) });
      this.#tellPort(node);
      const door = this.#door(sending, stateKey);
      await this.#serve(node, door.host);
      const { pairing, connection } = await showAndPair(
        this.#ground,
        node,
        { purpose: 'send', about: encodeAbout({ machine, offer }), onProved: () => door.host.expect() },
        this.#emit,
        this.#signal,
      );
      const about = decodeAbout(pairing.remoteAbout, 'machine');
      const kept: KeptSender = {
        role: 'sender',
        id: this.#folder.id,
        madeAtMs: clock.now(),
        privateKey,
        record: pairing.record,
        remote: pairing.remote,
        remoteAbout: pairing.remoteAbout,
        addresses: addressesWith(connection, []),
        paths: this.#request.paths,
        areas: this.#request.areas,
        notTaken: scope.skipped,
        state,
        stateKey,
        port: node.port,
      };
      this.#folder.save(kept);
      onKept();
      this.#emit({ event: 'paired', ...shownMachine(kept.remote, about.machine) });
      return await this.#untilDone(node, sending, door, kept, about);
    } finally {
      await node.stop();
      await sending?.close();
    }
  }

  /** The same pairing and the same plan, after this machine's process had ended. */
  async #goOn(kept: KeptSender): Promise<SendDone> {
    const about = decodeAbout(kept.remoteAbout, 'machine');
    const { name } = about.machine;
    const when = new Date(kept.madeAtMs).toISOString();
    this.#note(`goes on with what was begun for ${name} at ${when}, without a new code; --new begins anew`);
    const sending = await this.#ground.rooms.reopenSend(
      { ...this.#place(), stateId: kept.state, stateKey: kept.stateKey },
      this.#work,
    );
    try {
      const node = await this.#startNode(kept.privateKey, kept.port);
      try {
        const door = this.#door(sending, kept.stateKey);
        // It may be here at once, and must not be refused then.
        door.host.expect();
        await this.#serve(node, door.host);
        this.#note(`waiting for ${name}: run "resettle receive" there`);
        return await this.#untilDone(node, sending, door, kept, about);
      } finally {
        await node.stop();
      }
    } finally {
      await sending.close();
    }
  }

  #startNode(privateKey: KeptSender['privateKey'], port: number): Promise<PairingNode> {
    const { interfaces, clock, random, log } = this.#ground;
    const listen = { addresses: this.#request.listen, port };
    return PairingNode.start({ privateKey, interfaces, listen, clock, random, log });
  }

  /** A firewall was opened for the usual port, if for any. */
  #tellPort(node: PairingNode): void {
    if (this.#request.listen.length > 0 || node.port === 0 || node.port === DEFAULT_PORT) return;
    this.#note(`port ${DEFAULT_PORT} is taken on this machine; it listens on ${node.port}, which a firewall may close`);
  }

  /** `onChange` of it is set once the receiver's name is known. */
  #door(sending: Sending, stateKey: Uint8Array): { host: DirectDoor; onChange: (isOpen: boolean) => void } {
    const door = {
      onChange: (_isOpen: boolean): void => {},
      host: new DirectDoor({
        sending,
        stateKey,
        onProgress: this.#meter.onProgress,
        onChange: (isOpen) => door.onChange(isOpen),
      }),
    };
    return door;
  }

  async #serve(node: PairingNode, door: DirectDoor): Promise<void> {
    const { log, rooms } = this.#ground;
    // Not behind the guard: a machine may be here before it is written down that it has paired. The door decides.
    const onEnd = (error: unknown, peer: string): void =>
      log.debug({ peer, error: messageOf(error) }, 'a direct stream ended');
    await rooms.serveDirect(node.link, door, onEnd, { bulkBeside: () => node.addresses() });
    await serveDecline(node.link, (session, peer) => door.decline(session, peer));
  }

  async #untilDone(
    node: PairingNode,
    sending: Sending,
    door: { host: DirectDoor; onChange: (isOpen: boolean) => void },
    kept: KeptSender,
    about: About,
  ): Promise<SendDone> {
    const { clock } = this.#ground;
    const { name } = about.machine;
    let wasLost = false;
    door.onChange = (isOpen) => {
      this.#startedMs ||= clock.monotonicMs();
      this.#meter.finish();
      if (!isOpen) this.#note(`connection lost, waiting for ${name}; it goes on by itself when it is back`);
      else if (wasLost) this.#note(`${name} is back; it goes on`);
      wasLost = !isOpen;
    };
    node.admit(kept.remote);
    await node.discover(KNOWN_PEER_TAG);
    door.host.letIn({ peer: kept.remote, session: kept.record.session });
    const end = new AbortController();
    try {
      const summary = await Promise.race([
        door.host.done,
        door.host.declined.then(() => Promise.reject(declined(name))),
        this.#tooOld(door.host, kept, name, end.signal),
        this.#interrupted(name, end.signal),
      ]);
      this.#meter.finish();
      await pause(QUIET_MS, end.signal, door.host.quiet());
      return this.#done(kept, about, sending, summary);
    } finally {
      end.abort();
      await door.host.close();
    }
  }

  #done(kept: KeptSender, about: About, sending: Sending, summary: DirectSummary): SendDone {
    return {
      peerId: kept.record.responder,
      ...shownMachine(kept.remote, about.machine),
      state: kept.state,
      files: summary.files,
      bytes: summary.bytes,
      skipped: Math.max(summary.skipped, sending.plan.skipped.count + kept.notTaken),
      seconds: Math.round(this.#ground.clock.monotonicMs() - this.#startedMs) / 1000,
      verified: true,
    };
  }

  async #tooOld(door: DirectDoor, kept: KeptSender, name: string, end: AbortSignal): Promise<never> {
    return new Promise((_, reject) => {
      const timer = setInterval(() => {
        if (door.isOpen || !this.#pairings.isOver(kept)) return;
        reject(
          new ResettleError('refused', `${name} did not come back within 24 hours`, {
            hint: 'start the command again for a new code; what is there already is not sent again',
          }),
        );
      }, AGE_EVERY_MS);
      end.addEventListener('abort', () => clearInterval(timer), { once: true });
    });
  }

  #interrupted(name: string, end: AbortSignal): Promise<never> {
    return new Promise((_, reject) => {
      const onAbort = (): void =>
        reject(
          new ResettleError('interrupted', `interrupted; ${name} does not have everything yet`, {
            hint: 'the same command goes on from here, within 24 hours and without a new code',
          }),
        );
      if (this.#signal.aborted) onAbort();
      this.#signal.addEventListener('abort', onAbort, { once: true });
      end.addEventListener('abort', () => this.#signal.removeEventListener('abort', onAbort), { once: true });
    });
  }

  #note(message: string): void {
    this.#emit({ event: 'note', message });
  }
}

/** What a person is shown: PATHs, and of each area how much there is. */
function offered({ paths, areas }: Scope): string[] {
  return [
    ...paths.filter((path) => path !== `/${DOCUMENTS_NAME}`),
    ...areas.map(({ area, items }) => `area ${area}${items > 0 ? `, ${items} items` : ''}`),
  ];
}

function declined(name: string): ResettleError {
  return new ResettleError('refused', `the person at ${name} said no`, {
    hint: 'start the command again for a new code, if that was a mistake',
  });
}
