/** A libp2p stream of which a test gives the bytes, in pieces of any size; what is sent into it is nowhere. */
import type { Logger } from '@libp2p/interface';
import { AbstractStream, type SendResult } from '@libp2p/utils';
import type { Uint8ArrayList } from 'uint8arraylist';

const silent = Object.assign(() => {}, { error: () => {}, trace: () => {}, enabled: false });
const LOG = Object.assign(silent, { newScope: () => LOG }) as unknown as Logger;

export class FedStream extends AbstractStream {
  constructor() {
    super({ id: '1', direction: 'inbound', protocol: '/x', log: LOG, maxReadBufferLength: 64 * 1024 * 1024 });
  }

  /** The bytes in pieces, as `sizes` say over and over, and the end. */
  feed(bytes: Uint8Array, sizes: readonly number[]): void {
    let index = 0;
    for (let at = 0; at < bytes.length; ) {
      const size = Math.max(1, sizes[index++ % sizes.length] ?? bytes.length);
      this.onData(bytes.subarray(at, at + size));
      at += size;
    }
    this.onRemoteCloseWrite();
  }

  sendData(data: Uint8ArrayList): SendResult {
    return { sentBytes: data.byteLength, canSendMore: true };
  }
  sendReset(): void {}
  sendPause(): void {}
  sendResume(): void {}
  async sendCloseWrite(): Promise<void> {}
  async sendCloseRead(): Promise<void> {}
}
