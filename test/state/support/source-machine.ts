import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPair } from '@libp2p/crypto/keys';
import type { PrivateKey } from '@libp2p/interface';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { ResettleError } from '../../../src/common/errors.ts';
import { type PackId, type PeerIdText, peerIdText, type StateId } from '../../../src/common/ids.ts';
import type { PackSink, PackSource } from '../../../src/common/ports.ts';
import {
  type CaptureResult,
  describeSnapshot,
  type PlanSummary,
  planCapture,
} from '../../../src/state/capture/index.ts';
import { newStateId } from '../../../src/state/format/index.ts';
import type { RuleFilter } from '../../../src/state/plan/rule-filter.ts';
import type { SourceTree } from '../../../src/state/plan/source-tree.ts';
import { type RestoreOptions, type RestoreResult, restoreSnapshot } from '../../../src/state/restore/index.ts';

/** A folder under the system's temporary folder, gone when the test ends. */
export function temporaryFolder(test: { after(end: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'resettle-state-'));
  test.after(() => {
    // Only root removes what lies in a folder that is closed to its owner.
    if (process.geteuid?.() !== 0) spawnSync('chmod', ['-R', 'u+rwX', folder]);
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** Packs in memory. */
export class MemoryPacks implements PackSink, PackSource {
  readonly packs = new Map<PackId, Uint8Array>();
  readonly asked: PackId[] = [];

  async put(pack: { id: PackId; bytes: Uint8Array }): Promise<void> {
    this.packs.set(pack.id, pack.bytes.slice());
  }

  async get(id: PackId, _sizeBytes: number, into: Uint8Array): Promise<void> {
    this.asked.push(id);
    const pack = this.packs.get(id);
    if (!pack) throw new ResettleError('not-found', `no pack ${id}`);
    into.set(pack);
  }

  get totalBytes(): number {
    return [...this.packs.values()].reduce((sum, pack) => sum + pack.length, 0);
  }
}

export interface Identity {
  privateKey: PrivateKey;
  source: PeerIdText;
  stateId: StateId;
  stateKey: Uint8Array;
}

export async function newIdentity(): Promise<Identity> {
  const privateKey = await generateKeyPair('Ed25519');
  const source = peerIdText(peerIdFromPrivateKey(privateKey).toString());
  return { privateKey, source, stateId: newStateId(source, randomBytes(32)), stateKey: randomBytes(32) };
}

export const identity = await newIdentity();

export const on = () => ({ onProgress() {}, signal: new AbortController().signal });

export interface Captured {
  plan: PlanSummary;
  result: CaptureResult;
  packs: MemoryPacks;
  descriptor: Uint8Array;
}

export const about = (who: Identity) => ({
  stateId: who.stateId,
  stateKey: who.stateKey,
  association: undefined,
  snapshot: 1,
  previous: undefined,
  capturedAtNs: 1_700_000_000_123_456_789n,
  machineName: 'laptop',
  platform: 'linux x64',
  privateKey: who.privateKey,
});

export async function captureTree(
  scratchDir: string,
  paths: readonly (string | Uint8Array)[],
  options: {
    exclude?: string[];
    afterPlan?: () => void;
    /** Where earlier captures of the same cache put theirs. */
    packs?: MemoryPacks;
    cacheFile?: string;
    settleMs?: number;
    tree?: SourceTree;
    filter?: RuleFilter;
  } = {},
): Promise<Captured> {
  const packs = options.packs ?? new MemoryPacks();
  const capture = await planCapture(
    {
      paths: paths.map((path) => Buffer.from(path)),
      exclude: (options.exclude ?? []).map((path) => Buffer.from(path)),
      scratchDir,
      stateId: identity.stateId,
      stateKey: identity.stateKey,
      cacheFile: options.cacheFile,
      filter: options.filter,
      settleMs: options.settleMs,
      tree: options.tree,
      missingPacks: async (ids) => ids.filter((id) => !packs.packs.has(id)),
    },
    on(),
  );
  try {
    options.afterPlan?.();
    const result = await capture.run(packs, on());
    const descriptor = await describeSnapshot(result, about(identity));
    await capture.committed();
    return { plan: capture.plan, result, packs, descriptor };
  } finally {
    await capture.close();
  }
}

export function restoreTree(
  captured: { descriptor: Uint8Array; packs: PackSource },
  target: string,
  options: Partial<RestoreOptions> = {},
): Promise<RestoreResult> {
  return restoreSnapshot(
    {
      descriptor: captured.descriptor,
      stateKey: identity.stateKey,
      expected: { stateId: identity.stateId, source: identity.source, association: undefined },
      target,
      strip: true,
      source: captured.packs,
      restoreId: 'test',
      ...options,
    },
    on(),
  );
}
