/** Where a move's two ends are: both on this machine's loopback, or at the ends of a cable that the bench lays. */
import { Cable } from '../../test/support/cable.ts';

export interface Place extends Disposable {
  /** What stands in the report. */
  readonly name: string;
  /** The receiving end's address. */
  readonly host: string;
  /** What both ends call their interface. */
  readonly device: string;
  /** The network namespaces of both ends; undefined: this machine's own. */
  readonly sourceNamespace?: string;
  readonly targetNamespace?: string;
  /** Bytes that have come in at the receiving end, headers among them; undefined where others use the interface too. */
  receivedBytes(): number | undefined;
}

export const loopback: Place = {
  name: 'loopback',
  host: '127.0.0.1',
  device: 'lo',
  receivedBytes: () => undefined,
  [Symbol.dispose]() {},
};

/** A cable of a given rate; removed when disposed of. */
export class Link implements Place {
  readonly name: string;
  readonly #rate: string;
  readonly #cable = new Cable();

  /** @param rate as tc writes it, such as `1gbit` */
  constructor(rate: string) {
    this.name = `a link of ${rate}`;
    this.#rate = rate;
  }

  get host(): string {
    return this.#cable.newAddress;
  }

  get device(): string {
    return this.#cable.device;
  }

  get sourceNamespace(): string {
    return this.#cable.old.name;
  }

  get targetNamespace(): string {
    return this.#cable.new.name;
  }

  connect(): Promise<void> {
    return this.#cable.connect(this.#rate);
  }

  receivedBytes(): number {
    return this.#cable.receivedBytes();
  }

  [Symbol.dispose](): void {
    this.#cable[Symbol.dispose]();
  }
}
