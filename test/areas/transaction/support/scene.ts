import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { LocalSystem } from '../../../../src/state/areas/base/local-system.ts';
import { AREA_NAMES, type AreaName } from '../../../../src/state/areas/base/names.ts';
import type { AreasParts } from '../../../../src/state/areas/transaction/parts.ts';
import { AreasTransaction } from '../../../../src/state/areas/transaction/transaction.ts';
import type { AreasResult, AreasWish } from '../../../../src/state/areas/transaction/types.ts';
import { putFile, type TestFile } from '../../support/machine.ts';
import { AS_CAPTURED, type FakeBehaviour, type FakeDocuments, fakeArea, writeDocuments } from './fake-areas.ts';

export interface SceneOptions {
  readonly files?: Readonly<Record<string, TestFile>>;
  readonly documents: FakeDocuments;
  readonly behaviours?: Partial<Record<AreaName, FakeBehaviour>>;
  readonly parts?: Partial<AreasParts>;
  readonly wish?: Partial<AreasWish>;
  readonly roots?: readonly string[];
}

/** A machine in a folder, documents for it, and a place for the journal; gone when the test ends. */
export class Scene {
  readonly top: string;
  /** What is done before the folder goes, when the test ends. */
  readonly cleanUps: (() => void)[] = [];
  readonly root: string;
  readonly documents: string;
  readonly undoDir: string;
  readonly wish: AreasWish;
  readonly parts: AreasParts;

  constructor(t: TestContext, options: SceneOptions) {
    this.top = mkdtempSync(join(tmpdir(), 'resettle-transaction-'));
    t.after(() => {
      for (const cleanUp of this.cleanUps) cleanUp();
      rmSync(this.top, { recursive: true, force: true });
    });
    this.root = join(this.top, 'root');
    this.documents = join(this.top, 'documents');
    this.undoDir = join(this.top, 'home/restores/one');
    for (const folder of [this.root, this.documents]) mkdirSync(folder, { recursive: true, mode: 0o755 });
    for (const [path, file] of Object.entries(options.files ?? {})) putFile(this.root, path, file);
    writeDocuments(this.documents, options.documents, options.roots);
    const areas = AREA_NAMES.map((name) => fakeArea(name, options.behaviours?.[name]));
    this.wish = {
      root: this.root,
      areas: AREA_NAMES,
      asked: [],
      identity: 'new',
      allowPrivileged: false,
      mapUsers: [],
      nowMs: Date.UTC(2026, 0, 31),
      ...options.wish,
    };
    this.parts = { areas, systemAt: (root) => new LocalSystem(root), ...AS_CAPTURED, ...options.parts };
  }

  plan(parts: Partial<AreasParts> = {}): AreasTransaction {
    return new AreasTransaction({ ...this.parts, ...parts }, this.documents, this.wish);
  }

  /** From plan to commit. */
  async restore(parts: Partial<AreasParts> = {}): Promise<AreasResult> {
    const transaction = this.plan(parts);
    try {
      transaction.begin(this.undoDir);
      transaction.applyBefore();
      return await transaction.applyAfter();
    } finally {
      transaction.close();
    }
  }
}
