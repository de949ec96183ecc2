import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** What becomes of bytes on their way to the receiver: these instead, or the end of the socket, or nothing ever again. */
export type Fate = Uint8Array | 'ends' | 'stalls';

/** Between two machines on loopback: what listens at 127.0.0.1 is to be had at 127.0.0.2 too, and the port after it. */
export class Cable {
  readonly #port: number;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  #bulkServer: Server | undefined;
  /** Bytes of the second port that have gone to the receiver. */
  bulkBytes = 0;
  /** Of the second port. `at`: how many have come before these. */
  onBulk: (bytes: Uint8Array, at: number) => Fate = (bytes) => bytes;
  /** Nothing is sent on to the second port, as a firewall does that says nothing. */
  isBlackHole = false;

  constructor(port: number) {
    this.#port = port;
  }

  async plugIn(): Promise<void> {
    this.#servers.push(await this.#listen(this.#port, (bytes) => bytes));
    await this.openBulk();
  }

  async openBulk(): Promise<void> {
    let at = 0;
    this.#bulkServer ??= await this.#listen(this.#port + 1, (bytes, isFirst) => {
      if (isFirst) at = 0;
      const fate = this.onBulk(bytes, at);
      at += bytes.length;
      this.bulkBytes += bytes.length;
      return fate;
    });
  }

  /** As where nothing listens. */
  closeBulk(): void {
    this.#bulkServer?.close();
    this.#bulkServer = undefined;
  }

  pullOut(): void {
    this.closeBulk();
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #listen(port: number, toReceiver: (bytes: Uint8Array, isFirst: boolean) => Fate): Promise<Server> {
    const server = createServer((near) => {
      this.#sockets.add(near);
      near.on('error', () => near.destroy());
      if (port !== this.#port && this.isBlackHole) return;
      const far = connect(port, '127.0.0.1');
      this.#sockets.add(far);
      far.on('error', () => far.destroy());
      near.on('close', () => far.destroy());
      far.on('close', () => near.end());
      near.on('data', (bytes) => far.write(bytes));
      let isFirst = true;
      far.on('data', (bytes) => {
        const fate = toReceiver(bytes, isFirst);
        isFirst = false;
        if (fate === 'ends') near.destroy();
        else if (fate === 'stalls') far.pause();
        else if (!near.write(fate)) {
          far.pause();
          near.once('drain', () => far.resume());
        }
      });
    });
    server.listen(port, '127.0.0.2');
    await once(server, 'listening');
    return server;
  }
}
