/** Discovery on one interface: its socket, opened again after an error, its schedule, and what it says. */
import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { PeerIdText } from '../../common/ids.ts';
import { isReachableOn, type LocalInterface } from './interfaces.ts';
import {
  announcement,
  goodbye,
  type HeardPacket,
  type KnownInstance,
  type OutgoingPacket,
  question,
  type ResponsePacket,
  readTcpAddress,
} from './packets.ts';
import { Schedule } from './schedule.ts';
import type { DiscoverySocket, OpenSocket } from './socket.ts';
import type { DiscoveryLog, InterfaceReport } from './types.ts';

/** An interface with an error is opened again after this time, then after twice as long each time. */
export const RETRY_FIRST_MS = 3000;
export const RETRY_LONGEST_MS = 60_000;

/** What a link needs of the whole. */
export interface LinkHost {
  readonly serviceTag: string;
  readonly instance: string;
  readonly peerId: PeerIdText;
  readonly clock: Clock;
  readonly log: DiscoveryLog;
  readonly openSocket: OpenSocket;
  /** A number from 0 to below 1. */
  random(): number;
  addresses(): readonly string[];
  onPacket(link: Link, packet: HeardPacket, source: { readonly address: string; readonly port: number }): void;
  /** Something about the link has changed: look at its times again. */
  onChange(): void;
}

/** Those of the addresses that belong to the interface, IPv4 first, without `/p2p`. */
export function addressesOn(local: LocalInterface, addresses: readonly string[]): string[] {
  const own = new Set<string>();
  for (const text of addresses) {
    const read = readTcpAddress(text);
    if (read !== undefined && local.own.has(read.ip) && isReachableOn(local, read.ip)) own.add(read.address);
  }
  return [...own].sort((a, b) => Number(b.startsWith('/ip4/')) - Number(a.startsWith('/ip4/')));
}

/** One interface in use. None of its methods throws or rejects. */
export class Link {
  readonly schedule: Schedule;
  readonly #host: LinkHost;
  #local: LocalInterface;
  #socket: DiscoverySocket | undefined;
  #isOpening = false;
  #isClosed = false;
  #error: string | undefined;
  #retryAtMs = Number.NEGATIVE_INFINITY;
  #retryWaitMs = RETRY_FIRST_MS;
  /** What is said or about to be said, as text: empty for a goodbye, undefined when nobody has heard of us here. */
  #said: string | undefined;
  #openedAtMs: number | undefined;
  #sentAtMs: number | undefined;
  #ownHeardAtMs: number | undefined;
  #othersHeardAtMs: number | undefined;

  constructor(host: LinkHost, local: LocalInterface) {
    this.#host = host;
    this.#local = local;
    this.schedule = new Schedule(() => host.random());
  }

  get local(): LocalInterface {
    return this.#local;
  }

  get error(): string | undefined {
    return this.#error;
  }

  get isOpen(): boolean {
    return this.#socket !== undefined;
  }

  /** True when a socket is wanted and it is time to try. */
  isDueToOpen(): boolean {
    const isIdle = this.#socket === undefined && !this.#isOpening && !this.#isClosed;
    return isIdle && this.#host.clock.monotonicMs() >= this.#retryAtMs;
  }

  async open(): Promise<void> {
    this.#isOpening = true;
    try {
      const socket = await this.#host.openSocket(this.#local, {
        onPacket: (packet, source) => this.#host.onPacket(this, packet, source),
        onError: (error) => this.#fail(error),
      });
      if (this.#isClosed) return await socket.close();
      this.#socket = socket;
      this.#openedAtMs = this.#host.clock.monotonicMs();
      this.#said = undefined;
      this.schedule.start(this.#host.clock.monotonicMs());
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#isOpening = false;
      this.#host.onChange();
    }
  }

  /** A packet came in that belongs to this interface. */
  heard(whose: 'own' | 'other'): void {
    if (whose === 'own') this.#ownHeardAtMs = this.#host.clock.monotonicMs();
    else this.#othersHeardAtMs = this.#host.clock.monotonicMs();
  }

  report(): InterfaceReport {
    const age = (atMs: number | undefined): number | undefined =>
      atMs === undefined ? undefined : this.#host.clock.monotonicMs() - atMs;
    return {
      name: this.#local.name,
      address: this.#local.address,
      ...(this.#error === undefined ? {} : { error: this.#error }),
      openForMs: this.isOpen ? age(this.#openedAtMs) : undefined,
      sentAgoMs: age(this.#sentAtMs),
      ownHeardAgoMs: age(this.#ownHeardAtMs),
      othersHeardAgoMs: age(this.#othersHeardAtMs),
    };
  }

  /** The interface's other addresses have changed; the one that we send from has not. */
  update(local: LocalInterface): void {
    this.#local = local;
  }

  /** Sees whether there is something new to say. */
  checkNews(): void {
    const text = this.#saying()?.text ?? '';
    if (!this.isOpen || text === (this.#said ?? '')) return;
    this.#said = text;
    this.schedule.news(this.#host.clock.monotonicMs());
  }

  /** Whether we have an address to tell here. */
  hasAddress(): boolean {
    return this.#saying() !== undefined;
  }

  async ask(known: readonly KnownInstance[]): Promise<void> {
    await this.#send(question(this.#host.serviceTag, this.#host.instance, known));
  }

  /** Says where we are; or goodbye when we were here and have no address any more. */
  async speak(): Promise<void> {
    const saying = this.#saying();
    if (saying !== undefined) {
      this.#said = saying.text;
      await this.#send(saying.packet);
    } else if (this.#said !== undefined) {
      this.#said = undefined;
      await this.#send(goodbye(this.#host.serviceTag, this.#host.instance));
    }
  }

  /** Closes the socket, after a goodbye when one is to be said. */
  async close(options: { readonly sayGoodbye: boolean }): Promise<void> {
    if (this.#isClosed) return;
    const isKnown = this.#said !== undefined;
    this.#isClosed = true;
    if (options.sayGoodbye && isKnown) await this.#send(goodbye(this.#host.serviceTag, this.#host.instance));
    const socket = this.#socket;
    this.#socket = undefined;
    await socket?.close();
  }

  #saying(): { readonly packet: ResponsePacket; readonly text: string } | undefined {
    const { serviceTag, instance, peerId } = this.#host;
    const packet = announcement(serviceTag, instance, peerId, addressesOn(this.#local, this.#host.addresses()));
    return packet.answers.length > 1 ? { packet, text: JSON.stringify(packet.answers) } : undefined;
  }

  async #send(packet: OutgoingPacket): Promise<void> {
    try {
      await this.#socket?.send(packet);
      if (this.#socket === undefined) return;
      this.#sentAtMs = this.#host.clock.monotonicMs();
      this.#error = undefined;
      this.#retryWaitMs = RETRY_FIRST_MS;
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#isClosed) return;
    const { clock, log } = this.#host;
    const message = messageOf(error);
    const details = { interface: this.#local.name, address: this.#local.address, error: message };
    if (message === this.#error) log.debug(details, 'discovery still fails on an interface');
    else log.warn(details, 'discovery fails on an interface and will be tried again');
    this.#error = message;
    this.#retryAtMs = clock.monotonicMs() + this.#retryWaitMs;
    this.#retryWaitMs = Math.min(this.#retryWaitMs * 2, RETRY_LONGEST_MS);
    const socket = this.#socket;
    this.#socket = undefined;
    void socket?.close();
    this.#host.onChange();
  }
}
