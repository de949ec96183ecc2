/** Two machines with one cable between them and no way out, each a network namespace. Needs root, `ip` and `tc`. */
import { Namespace, namespacesMissing } from '../discovery/support/namespace.ts';
import { lacks } from './tools.ts';

/** Why there can be no cable here, or false. */
export const noCable = (): string | false => namespacesMissing() || lacks('tc');

export class Cable implements Disposable {
  /** What both machines call their end. */
  readonly device = 'cable';
  readonly oldAddress = '10.79.1.1';
  readonly newAddress = '10.79.1.2';
  readonly old = new Namespace();
  readonly new = new Namespace();

  /** Lays it; both ends send at `rate`, as tc writes it. */
  async connect(rate: string): Promise<void> {
    await this.old.joinTo(this.new, this.device, `${this.oldAddress}/24`, `${this.newAddress}/24`);
    for (const end of [this.old, this.new]) end.slow(this.device, rate);
  }

  /** Bytes that have come in at the new machine. */
  receivedBytes(): number {
    return this.new.receivedBytes(this.device);
  }

  pull(): void {
    this.old.ip('link', 'set', this.device, 'down');
  }

  /** Until the system says that it runs again. */
  async plug(): Promise<void> {
    this.old.ip('link', 'set', this.device, 'up');
    await this.old.running(this.device);
    await this.new.running(this.device);
  }

  /** The new machine has another address from now on. */
  readdress(address: string): void {
    this.new.ip('addr', 'del', `${this.newAddress}/24`, 'dev', this.device);
    this.new.ip('addr', 'add', `${address}/24`, 'dev', this.device);
  }

  /** What still runs in it keeps a namespace alive: end that first. */
  [Symbol.dispose](): void {
    this.old[Symbol.dispose]();
    this.new[Symbol.dispose]();
  }
}
