/** What a hostile process does as fast as it can. */
import type { Peer } from '../../test/hostile/peers/peer.ts';

/** What a flood knows of whom it attacks. */
export interface Target {
  readonly address: string;
  /** A member of the fleet, where the flood is one. */
  readonly peer: Peer;
  /** Addresses of this machine that the flood comes from, one after another. */
  host(): string;
  /** Something was sent: for the report, so that a flood that does nothing shows. */
  sent(count?: number): void;
  isOver(): boolean;
}

export interface Flood {
  readonly name: string;
  readonly who: 'stranger' | 'member';
  /** What it does until it is over, so many times at once. */
  readonly lanes: number;
  once(target: Target, lane: number): Promise<void>;
}

/** Runs all lanes until the flood is over. What fails is done again: to be refused is what it is about. */
export async function flood({ lanes, once }: Flood, target: Target): Promise<void> {
  const lane = async (number: number): Promise<void> => {
    while (!target.isOver()) {
      await once(target, number).catch(() => {});
      // One that is refused at once must not keep itself from hearing that it is over.
      await new Promise((next) => setImmediate(next));
    }
  };
  await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number)));
}
