import type { PackId, StateId } from '../../common/ids.ts';
import type { ToolEvents } from './types.ts';

/** Something in a store that is not what was stored. */
export interface Damage {
  readonly what: 'descriptor' | 'key' | 'manifest' | 'pack' | 'file';
  readonly state: StateId;
  readonly snapshot?: number;
  readonly pack?: PackId;
  /** Of a file: absolute, with bad bytes escaped. */
  readonly path?: string;
  readonly reason: string;
  readonly hint?: string | undefined;
}

export interface VerifyEvents extends ToolEvents {
  onDamage(damage: Damage): void;
}

/** What was looked at. */
export interface VerifyResult {
  readonly snapshots: number;
  /** Packs that descriptors refer to. */
  readonly packs: number;
  readonly packBytes: number;
  /** Packs that no descriptor refers to: `store prune` removes them. */
  readonly unreferencedPacks: number;
  readonly unreferencedBytes: number;
  /** Files of all snapshots whose contents were opened and compared; 0 without a key. */
  readonly files: number;
}
