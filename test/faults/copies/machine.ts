/** A point with what is known of it from outside: what was done to it, and what its disk had. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PackId } from '../../../src/common/ids.ts';
import type { Capture, OfficePoint } from '../../node/point/support/office.ts';
import { MovedTime } from './time.ts';

const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;

/** Of the point itself, in moved time; what it does at once it does in real time. */
const TIMING = {
  tickMs: 15,
  retryMs: MINUTE_MS,
  settleMs: 10_000,
  backupDelayMs: 10 * MINUTE_MS,
  lostAfterMs: HOUR_MS,
  scrubEveryMs: 2 * HOUR_MS,
  scrubBytesPerSecond: 64e6,
};

export class TestMachine {
  readonly point: OfficePoint;
  readonly #time: MovedTime;
  isRevoked = false;
  isDraining = false;
  isFull = false;
  /** Time that it ran: no more than this has it observed. */
  #ranMs = 0;
  #sinceMs: number | undefined;
  /** Packs and descriptors that the test took from its disk, by name. */
  readonly #taken = new Set<string>();
  /** Snapshots that its disk had whole, and when each was acknowledged by its destination, in time that it ran. */
  readonly had = new Map<Capture, { readonly sinceMs: number; acknowledgedMs: number | undefined }>();

  constructor(point: OfficePoint) {
    this.point = point;
    this.#time = new MovedTime(point.clock);
  }

  get runs(): boolean {
    return this.point.runs;
  }

  /** Others can count on it. */
  get isThere(): boolean {
    return this.runs && !this.point.away && !this.isRevoked;
  }

  /** Would take another state. */
  get isOpen(): boolean {
    return this.isThere && !this.isDraining && !this.isFull;
  }

  ranMs(): number {
    return this.#ranMs + (this.#sinceMs === undefined ? 0 : this.point.clock.monotonicMs() - this.#sinceMs);
  }

  async start(): Promise<void> {
    const limits = { drain: this.isDraining, quotaBytes: this.isFull ? 0 : undefined };
    await this.point.start({ timing: TIMING, limits, sleep: this.#time.sleep });
    this.#sinceMs = this.point.clock.monotonicMs();
  }

  /** Whatever it would have written at its end is not written. */
  async kill(): Promise<void> {
    const file = join(this.point.dir, 'point.json');
    const before = existsSync(file) ? readFileSync(file) : undefined;
    await this.stop();
    if (before) writeFileSync(file, before);
    else rmSync(file, { force: true });
  }

  async stop(): Promise<void> {
    this.#ranMs = this.ranMs();
    this.#sinceMs = undefined;
    await this.point.stop();
  }

  async restart(): Promise<void> {
    if (!this.runs) return;
    await this.stop();
    await this.start();
  }

  move(ms: number): void {
    this.#time.move(ms);
  }

  flip(capture: Capture, id: PackId): void {
    const path = this.point.packPath(capture.state, id);
    if (!existsSync(path)) return;
    this.point.damage(capture.state, id);
    this.#taken.add(path);
  }

  take(capture: Capture, id: PackId): void {
    const path = this.point.packPath(capture.state, id);
    rmSync(path, { force: true });
    this.#taken.add(path);
  }

  flipDescriptor(capture: Capture): void {
    const path = this.#descriptorPath(capture);
    if (!existsSync(path)) return;
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(path, bytes);
    this.#taken.add(path);
    // Nobody knows then what its packs are for.
    this.had.delete(capture);
  }

  /** Whether the disk has all of a snapshot, byte for byte. */
  has(capture: Capture): boolean {
    return this.lack(capture) === undefined;
  }

  /** What is not on the disk of a snapshot, or not as it was captured. */
  lack({ state, snapshot, descriptor, packs }: Capture): string | undefined {
    const path = this.#descriptorPath({ state, snapshot });
    if (!sameBytes(path, descriptor)) return path;
    return packs
      .map(({ id, bytes }) => ({ path: this.point.packPath(state, id), bytes }))
      .find(({ path: pack, bytes }) => !sameBytes(pack, bytes))?.path;
  }

  /** What is gone from a snapshot that nobody but the point itself can have removed. */
  lostByItself(capture: Capture): string | undefined {
    const paths = [
      this.#descriptorPath(capture),
      ...capture.packs.map(({ id }) => this.point.packPath(capture.state, id)),
    ];
    return paths.find((path) => !existsSync(path) && !this.#taken.has(path));
  }

  /** What came back is to be there again. */
  noteMended(capture: Capture): void {
    for (const { id, bytes } of capture.packs) {
      const path = this.point.packPath(capture.state, id);
      if (this.#taken.has(path) && sameBytes(path, bytes)) this.#taken.delete(path);
    }
    const path = this.#descriptorPath(capture);
    if (this.#taken.has(path) && sameBytes(path, capture.descriptor)) this.#taken.delete(path);
  }

  #descriptorPath({ state, snapshot }: Pick<Capture, 'state' | 'snapshot'>): string {
    return join(this.point.dir, 'states', state, 'snapshots', String(snapshot));
  }
}

function sameBytes(path: string, bytes: Uint8Array): boolean {
  return existsSync(path) && readFileSync(path).equals(bytes);
}
