/** The receiver's end of a bulk socket: the bytes of packs, read where they belong. */
import { connect, type Socket } from 'node:net';
import type { RandomBytes } from '../../../common/clock.ts';
import { BULK_CONNECT_MS, BULK_SPARE_BYTES } from '../../../common/limits.ts';
import { isProof, NONCE_BYTES, PROOF_BYTES, proofOf } from './handshake.ts';
import type { IpAndPort } from './place.ts';

export interface BulkConnectOptions {
  readonly at: IpAndPort;
  readonly key: Uint8Array;
  readonly random: RandomBytes;
  readonly signal: AbortSignal;
  /** Something came. */
  onBytes(): void;
  /** For connection and handshake together; default BULK_CONNECT_MS. */
  readonly connectMs?: number;
}

export class BulkIncoming {
  readonly #socket: Socket;
  readonly #onBytes: () => void;
  /** Read into while nobody waits; `#from` to `#to` of it is not used yet. */
  readonly #spare = new Uint8Array(BULK_SPARE_BYTES);
  #from = 0;
  #to = 0;
  #target: Uint8Array | undefined;
  #filled = 0;
  #filling: PromiseWithResolvers<void> | undefined;
  #error: Error | undefined;

  private constructor(at: IpAndPort, onBytes: () => void) {
    this.#onBytes = onBytes;
    const onread = {
      buffer: () => this.#room(),
      callback: (count: number, bytes: Uint8Array) => this.#read(count, bytes),
    };
    this.#socket = connect({ host: at.ip, port: at.port, noDelay: true, onread });
    this.#socket.on('error', (error) => this.end(error));
    this.#socket.on('close', () => this.end(new Error('the other machine has closed the second connection')));
  }

  /** Undefined where nobody is reached there who knows the key, in time. */
  static async connect(options: BulkConnectOptions): Promise<BulkIncoming | undefined> {
    const { at, key, random, signal, onBytes, connectMs = BULK_CONNECT_MS } = options;
    if (signal.aborted) return undefined;
    const bulk = new BulkIncoming(at, onBytes);
    const onAbort = (): void => bulk.end(new Error('not in time'));
    const timer = setTimeout(onAbort, connectMs);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await bulk.#prove(key, random);
      return bulk;
    } catch (error) {
      bulk.end(error as Error);
      return undefined;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Reads the next bytes until `target` is full. One at a time. Once it has settled, nothing is written there. */
  fill(target: Uint8Array): Promise<void> {
    if (this.#error) return Promise.reject(this.#error);
    const count = Math.min(target.length, this.#to - this.#from);
    target.set(this.#spare.subarray(this.#from, this.#from + count));
    this.#from += count;
    if (count === target.length) return Promise.resolve();
    this.#target = target;
    this.#filled = count;
    this.#filling = Promise.withResolvers();
    this.#socket.resume();
    return this.#filling.promise;
  }

  /** Nothing is read any more. */
  end(error: Error): void {
    if (this.#error) return;
    this.#error = error;
    this.#target = undefined;
    this.#socket.destroy();
    this.#filling?.reject(error);
  }

  async #prove(key: Uint8Array, random: RandomBytes): Promise<void> {
    const senderNonce = new Uint8Array(NONCE_BYTES);
    await this.fill(senderNonce);
    const nonce = random(NONCE_BYTES);
    this.#socket.write(Buffer.concat([nonce, proofOf('receiver', key, senderNonce, nonce)]));
    const proof = new Uint8Array(PROOF_BYTES);
    await this.fill(proof);
    if (!isProof(proof, proofOf('sender', key, senderNonce, nonce))) throw new Error('somebody else listens there');
  }

  /** Where the next bytes go: what is still missing of a pack, which is never more than comes of it. */
  #room(): Uint8Array {
    return this.#target?.subarray(this.#filled) ?? this.#spare;
  }

  /** False: no more for now. The memory of a pack is out of the socket's hands then, for `#room` is asked right after. */
  #read(count: number, bytes: Uint8Array): boolean {
    const target = this.#target;
    if (!target) {
      // Paused when nobody waits, so nothing comes then; if it did, it would be lost.
      this.end(new Error('bytes that nobody waits for'));
      return false;
    }
    this.#onBytes();
    if (bytes === this.#spare) {
      const wanted = Math.min(count, target.length - this.#filled);
      target.set(bytes.subarray(0, wanted), this.#filled);
      this.#filled += wanted;
      this.#from = wanted;
      this.#to = count;
    } else {
      this.#filled += count;
    }
    if (this.#filled < target.length) return true;
    this.#target = undefined;
    this.#filling?.resolve();
    return false;
  }
}
