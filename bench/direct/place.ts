/** Where a move's two ends are: both on this machine's loopback, or at the ends of a cable that the bench lays. */
import { Namespace } from '../../test/discovery/support/namespace.ts';
import { run } from '../run.ts';

const CABLE = 'cable';
const SOURCE_CIDR = '10.79.1.1/24';
const TARGET_CIDR = '10.79.1.2/24';
const TARGET_ADDRESS = '10.79.1.2';
/** A bucket filter (tc-tbf): room for the largest segment that the kernel hands over, and no deep queue behind it. */
const BURST = '1mb';
const QUEUE = '50ms';

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

/** Two namespaces with a cable between them and no way out; removed when disposed of. Needs root, `ip` and `tc`. */
export class Link implements Place {
  readonly name: string;
  readonly host = TARGET_ADDRESS;
  readonly device = CABLE;
  readonly #rate: string;
  readonly #source = new Namespace();
  readonly #target = new Namespace();

  /** @param rate as tc writes it, such as `1gbit` */
  constructor(rate: string) {
    this.name = `a link of ${rate}`;
    this.#rate = rate;
  }

  get sourceNamespace(): string {
    return this.#source.name;
  }

  get targetNamespace(): string {
    return this.#target.name;
  }

  /** Lays the cable, and slows both of its ends. */
  async connect(): Promise<void> {
    await this.#source.joinTo(this.#target, CABLE, SOURCE_CIDR, TARGET_CIDR);
    for (const { name } of [this.#source, this.#target]) {
      const filter = ['tbf', 'rate', this.#rate, 'burst', BURST, 'latency', QUEUE];
      await run('tc', ['-n', name, 'qdisc', 'add', 'dev', CABLE, 'root', ...filter]);
    }
  }

  receivedBytes(): number {
    return Number(this.#target.read(`/sys/class/net/${CABLE}/statistics/rx_bytes`));
  }

  [Symbol.dispose](): void {
    this.#source[Symbol.dispose]();
    this.#target[Symbol.dispose]();
  }
}
