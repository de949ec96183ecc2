import type { ThreadError } from '../threads/thread-error.ts';
import type { StoreOperations } from './operations.ts';

export interface StoreWorkerData {
  readonly dir: string;
}

/** The calls of the worker, by name. */
export type StoreCall = Exclude<keyof StoreOperations, 'storePack' | 'verifyPacks'>;

export type ToStoreWorker =
  | { readonly call: number; readonly name: StoreCall | 'verifyPacks'; readonly args: readonly unknown[] }
  | {
      readonly call: number;
      readonly name: 'storePack';
      readonly args: readonly [string, string];
      readonly buffer: ArrayBuffer;
      readonly sizeBytes: number;
    };

export type FromStoreWorker = { readonly type: 'answer'; readonly call: number } & (
  | { readonly value: unknown; readonly buffer?: ArrayBuffer }
  | { readonly error: ThreadError; readonly buffer?: ArrayBuffer }
  | { readonly progressBytes: number }
);
