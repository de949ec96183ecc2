/** Machines, codes and clocks for tests of pairing. */
import { randomBytes } from 'node:crypto';
import { generateKeyPair } from '@libp2p/crypto/keys';
import type { Clock } from '../../../src/common/clock.ts';
import type { GuessTimes } from '../../../src/protocols/pair/hourly-cap.ts';
import { PairingRun, type RunOptions } from '../../../src/protocols/pair/run.ts';
import { type Signer, signerOf } from '../../../src/protocols/pair/statement.ts';
import type { Credential, PairingRecord } from '../../../src/protocols/pair/types.ts';

export const random = (count: number): Uint8Array => Uint8Array.from(randomBytes(count));

export async function newSigner(): Promise<Signer> {
  return signerOf(await generateKeyPair('Ed25519'));
}

export function wordsCode(words: string, number = '042'): Credential {
  return { kind: 'words', code: { number, words } };
}

export class HeldClock implements Clock {
  wallMs = 1_700_000_000_000;
  steadyMs = 5_000;
  now(): number {
    return this.wallMs;
  }
  monotonicMs(): number {
    return this.steadyMs;
  }
  pass(durationMs: number): void {
    this.wallMs += durationMs;
    this.steadyMs += durationMs;
  }
}

/** Times in memory; `stored` is what a restart would find. */
export class MemoryTimes implements GuessTimes {
  stored: readonly number[] = [];
  async update(change: (times: readonly number[]) => readonly number[]): Promise<void> {
    this.stored = change(this.stored);
  }
}

/** A run with the usual values; `about` is the side's own name. */
export function newRun(
  options: Pick<RunOptions, 'side' | 'role' | 'credentials' | 'self' | 'remote'> & Partial<RunOptions>,
): PairingRun {
  return new PairingRun({ purpose: 'send', about: Buffer.from(options.role), random, ...options });
}

/** A record in text, so that two are equal whatever kind of bytes they hold. */
export function shownRecord(record: PairingRecord | undefined): string {
  return JSON.stringify(record, (_, one) => (one?.type === 'Buffer' || one instanceof Uint8Array ? hexOf(one) : one));
}

function hexOf(bytes: Uint8Array | { readonly data: number[] }): string {
  return Buffer.from('data' in bytes ? bytes.data : bytes).toString('hex');
}
