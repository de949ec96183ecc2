/** An office's network in namespaces of its own: one switch, a cable to each machine. Nothing of it reaches outside. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Namespace } from '../../test/discovery/support/namespace.ts';

const BRIDGE = 'switch0';
const CABLE = 'eth0';

/** A machine's place on the network. */
export interface Socket {
  readonly namespace: Namespace;
  readonly address: string;
}

export class OfficeNetwork {
  readonly #switch = new Namespace();
  readonly #sockets = new Map<string, Socket & { readonly port: string }>();
  #next = 10;

  constructor() {
    this.#switch.ip('link', 'add', BRIDGE, 'type', 'bridge');
    // Agents hear each other by multicast, which a bridge with snooping and no querier may hold back.
    this.#switch.ip('link', 'set', BRIDGE, 'type', 'bridge', 'mcast_snooping', '0');
    this.#switch.ip('link', 'set', BRIDGE, 'up');
  }

  /** A cable for another machine; `eth0` there has an address and no default route. */
  async add(name: string): Promise<Socket> {
    const namespace = new Namespace();
    const port = `p${this.#sockets.size}`;
    const address = `10.88.0.${this.#next++}`;
    namespace.ip('link', 'add', CABLE, 'type', 'veth', 'peer', 'name', port, 'netns', this.#switch.name);
    this.#switch.ip('link', 'set', port, 'master', BRIDGE, 'up');
    namespace.ip('addr', 'add', `${address}/24`, 'dev', CABLE);
    namespace.ip('link', 'set', CABLE, 'up');
    const socket = { namespace, address, port };
    this.#sockets.set(name, socket);
    await sleep(200);
    return socket;
  }

  pull(name: string): void {
    this.#switch.ip('link', 'set', this.#port(name), 'down');
  }

  plug(name: string): void {
    this.#switch.ip('link', 'set', this.#port(name), 'up');
  }

  /** Gives a machine another address; its old one is gone. */
  readdress(name: string): string {
    const { namespace } = this.#sockets.get(name)!;
    const address = `10.88.0.${this.#next++}`;
    namespace.ip('addr', 'flush', 'dev', CABLE);
    namespace.ip('addr', 'add', `${address}/24`, 'dev', CABLE);
    return address;
  }

  remove(): void {
    for (const { namespace } of this.#sockets.values()) namespace[Symbol.dispose]();
    this.#switch[Symbol.dispose]();
  }

  #port(name: string): string {
    return this.#sockets.get(name)!.port;
  }
}
