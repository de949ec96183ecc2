import { chmodSync, chownSync, lchownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Change } from '../../../src/state/areas/base/change.ts';
import type { CheckItem } from '../../../src/state/areas/base/check-item.ts';
import { ItemPlanner } from '../../../src/state/areas/base/item-planner.ts';
import { LocalSystem } from '../../../src/state/areas/base/local-system.ts';
import { OWNERS_AS_CAPTURED } from '../../../src/state/areas/base/owners-as-captured.ts';
import { PlannedSystem } from '../../../src/state/areas/base/planned-system.ts';
import type { System } from '../../../src/state/areas/base/system.ts';
import type { Area, Captured, CouldNot, PlanItem, RestoreAbout } from '../../../src/state/areas/base/types.ts';

/** A file's content, or more of it; a path that ends in `/` is a folder. */
export type TestFile =
  | string
  | Uint8Array
  | { readonly content?: string | Uint8Array; readonly mode?: number; readonly uid?: number; readonly gid?: number }
  | { readonly link: string };

/** A folder that is the root of a machine, gone when the test ends. */
export function machineWith(t: TestContext, files: Readonly<Record<string, TestFile>>): LocalSystem {
  const root = mkdtempSync(join(tmpdir(), 'resettle-area-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, file] of Object.entries(files)) putFile(root, path, file);
  return new LocalSystem(root);
}

export function putFile(root: string, path: string, file: TestFile): void {
  const at = join(root, path);
  mkdirSync(path.endsWith('/') ? at : dirname(at), { recursive: true });
  if (typeof file === 'object' && 'link' in file) {
    symlinkSync(file.link, at);
    return;
  }
  const {
    content = '',
    mode = 0o644,
    uid,
    gid,
  } = typeof file === 'string' || file instanceof Uint8Array ? { content: file } : file;
  if (!path.endsWith('/')) writeFileSync(at, content);
  if (uid !== undefined || gid !== undefined) chownSync(at, uid ?? 0, gid ?? 0);
  chmodSync(at, path.endsWith('/') && mode === 0o644 ? 0o755 : mode);
}

/** Makes planned changes by the simplest means, for tests of areas; the product's way is the transaction. */
export function makeChanges(root: string, changes: readonly Change[]): void {
  for (const change of changes) {
    const at = join(root, change.path);
    if (change.kind !== 'folder') rmSync(at, { force: true });
    if (change.kind === 'remove') continue;
    if (change.kind === 'link') symlinkSync(change.target, at);
    else if (change.kind === 'folder') mkdirSync(at, { recursive: true });
    else if (change.kind === 'file') {
      mkdirSync(dirname(at), { recursive: true });
      writeFileSync(at, change.content);
    }
    if (change.kind === 'link') lchownSync(at, 0, 0);
    else {
      chownSync(at, change.uid, change.gid);
      chmodSync(at, change.mode);
    }
  }
}

export const ABOUT: RestoreAbout = {
  identity: 'new',
  owners: OWNERS_AS_CAPTURED,
  source: { hostname: 'old', osId: 'debian', osVersion: '12', osName: 'Debian GNU/Linux 12 (bookworm)' },
  nowMs: Date.UTC(2026, 0, 31),
};

export function capture(
  area: Area,
  system: System,
  users?: readonly string[],
): Captured<unknown> & { couldNot: readonly CouldNot[] } {
  const captured = area.capture(system, { nowMs: ABOUT.nowMs, ...(users && { users: new Set(users) }) });
  if (!captured) throw new Error(`there is nothing of ${area.name} on ${system.root}`);
  // As it comes out of a snapshot.
  const content = area.schema.parse(JSON.parse(JSON.stringify(captured.content)));
  return { ...captured, content, couldNot: captured.couldNot ?? [] };
}

export interface PlanOptions {
  readonly allowPrivileged?: boolean;
  readonly about?: Partial<RestoreAbout>;
}

export function planFor(area: Area, content: unknown, target: System, options: PlanOptions = {}): PlanItem[] {
  const planner = new ItemPlanner(area, new PlannedSystem(target), options.allowPrivileged ?? true);
  area.plan(content, planner, { ...ABOUT, ...options.about });
  return planner.items;
}

/** Plans and makes the changes; returns the plan. */
export function restore(area: Area, content: unknown, target: System, options: PlanOptions = {}): PlanItem[] {
  const items = planFor(area, content, target, options);
  makeChanges(
    target.root,
    items.flatMap(({ changes }) => changes),
  );
  return items;
}

/** Verdicts by item. */
export function verdicts(items: readonly CheckItem[]): Record<string, string> {
  return Object.fromEntries(items.map(({ id, verdict }) => [id, verdict]));
}
