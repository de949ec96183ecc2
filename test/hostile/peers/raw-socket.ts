/** A TCP connection without anything above it. */
import { connect, type Socket } from 'node:net';
import { multiaddr } from '@multiformats/multiaddr';
import { HOSTILE_HOST } from './hostile-node.ts';

export interface Place {
  readonly host: string;
  readonly port: number;
}

export function placeOf(address: string): Place {
  const parts = multiaddr(address).getComponents();
  return { host: parts[0]!.value!, port: Number(parts[1]!.value) };
}

export class RawSocket {
  readonly socket: Socket;
  /** Settles when the other side has closed it, however. */
  readonly closed: Promise<void>;
  readonly opened: Promise<void>;
  received = Buffer.alloc(0);
  isClosed = false;
  readonly #waiting = new Set<() => void>();

  /** `reads: false` leaves what comes where it is. */
  constructor({ host, port }: Place, { from = HOSTILE_HOST, reads = true } = {}) {
    this.socket = connect({ host, port, localAddress: from, noDelay: true });
    this.socket.on('error', () => {});
    this.opened = new Promise((resolve) => this.socket.once('connect', () => resolve()));
    this.closed = new Promise((resolve) => {
      this.socket.once('close', () => {
        this.isClosed = true;
        this.#wake();
        resolve();
      });
    });
    if (!reads) return;
    this.socket.on('data', (bytes) => {
      this.received = Buffer.concat([this.received, bytes]).subarray(-100_000);
      this.#wake();
    });
  }

  /** Settles when that much has arrived, or it was closed. */
  async arrived(count: number): Promise<void> {
    while (this.received.length < count && !this.isClosed) await new Promise<void>((wake) => this.#waiting.add(wake));
  }

  write(bytes: string | Uint8Array): void {
    if (!this.isClosed) this.socket.write(bytes);
  }

  /** Writes as fast as it is taken, until that was all or the other side has closed. Returns how much was written. */
  async flood(chunk: Uint8Array, count: number): Promise<number> {
    for (let sent = 0; sent < count; sent += 1) {
      if (this.isClosed) return sent * chunk.length;
      if (this.socket.write(chunk)) continue;
      await Promise.race([new Promise((drained) => this.socket.once('drain', drained)), this.closed]);
    }
    return count * chunk.length;
  }

  end(): void {
    this.socket.destroy();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

/** A line of multistream-select, its length in front. */
export function line(text: string): Buffer {
  const body = Buffer.from(`${text}\n`);
  const length = body.length < 128 ? [body.length] : [(body.length & 127) | 128, body.length >> 7];
  return Buffer.concat([Buffer.from(length), body]);
}

export const MULTISTREAM = line('/multistream/1.0.0');
