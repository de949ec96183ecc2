import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { NO_OWNERS } from '../../../../src/state/areas/accounts/owner-table.ts';
import type { Change } from '../../../../src/state/areas/base/change.ts';
import { defineArea } from '../../../../src/state/areas/base/define-area.ts';
import type { AreaName } from '../../../../src/state/areas/base/names.ts';
import { OWNERS_AS_CAPTURED } from '../../../../src/state/areas/base/owners-as-captured.ts';
import type { System } from '../../../../src/state/areas/base/system.ts';
import type { Area, PrivilegedEffect } from '../../../../src/state/areas/base/types.ts';

/** What a fake area's document asks for: exactly these changes, contents as text. */
export interface FakeItem {
  readonly id: string;
  readonly effect?: PrivilegedEffect;
  readonly changes: readonly FakeChange[];
}

export type FakeChange =
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly text: string;
      readonly mode?: number;
      readonly uid?: number;
    }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  | { readonly kind: 'folder'; readonly path: string; readonly mode?: number; readonly uid?: number }
  | { readonly kind: 'remove'; readonly path: string }
  | { readonly kind: 'metadata'; readonly path: string; readonly mode: number; readonly uid?: number };

export type FakeDocuments = Partial<Record<AreaName, readonly FakeItem[]>>;

export const items = (...changes: FakeChange[]): FakeItem[] =>
  changes.map((change) => ({ id: `path:${change.path}`, changes: [change] }));

export function changeOf(change: FakeChange): Change {
  if (change.kind === 'link' || change.kind === 'remove') return change;
  const uid = change.uid ?? 0;
  if (change.kind === 'file') {
    const { path, text, mode = 0o644 } = change;
    return { kind: 'file', path, content: Buffer.from(text), mode, uid, gid: uid };
  }
  return { kind: change.kind, path: change.path, mode: change.mode ?? 0o755, uid, gid: uid };
}

export type FakeBehaviour = Partial<Pick<Area, 'validate' | 'activate' | 'stops' | 'writes'>> & {
  readonly failsToPlan?: boolean;
};

/** An area whose plan is what its document says. */
export function fakeArea(name: AreaName, { failsToPlan, ...behaviour }: FakeBehaviour = {}): Area {
  return defineArea<FakeItem[]>({
    name,
    version: 1,
    schema: z.array(z.any()) as z.ZodType<FakeItem[]>,
    writes: ['/**'],
    capture: () => undefined,
    plan: (wanted, plan) => {
      for (const { id, effect, changes } of wanted) {
        const made = changes.map(changeOf);
        plan.want({ id, title: id, action: 'replace', detail: 'is changed', ...(effect && { effect }), changes: made });
      }
      if (failsToPlan) throw new Error('this plan fails');
    },
    check: () => [],
    ...behaviour,
  });
}

/** Writes them as a snapshot carries them. `roots`: what the same snapshot's files may change. */
export function writeDocuments(folder: string, documents: FakeDocuments, roots: readonly string[] = []): void {
  const names = Object.keys(documents);
  const machine = {
    format: 1,
    source: { hostname: 'old', osId: 'debian', osVersion: '12', osName: 'Debian' },
    asRoot: true,
    capturedAt: '2026-01-31T00:00:00Z',
    areas: names.map((name) => ({ name, version: 1 })),
    roots: roots.map((path) => ({ path, area: 'homes', isPersonal: true })),
    couldNot: [],
  };
  writeFileSync(join(folder, 'machine.json'), JSON.stringify(machine));
  writeFileSync(join(folder, 'checklist.json'), '[]');
  for (const [name, content] of Object.entries(documents)) {
    writeFileSync(join(folder, `${name}.json`), JSON.stringify({ area: name, version: 1, content }));
  }
}

export const AS_CAPTURED = { ownerTable: () => NO_OWNERS, ownersOf: () => OWNERS_AS_CAPTURED };

/** A problem where a file has this word in it. */
export const refuses =
  (path: string, word: string) =>
  (system: System): { what: string; why: string }[] =>
    system.text(path)?.includes(word) ? [{ what: path, why: `line 1: ${word} is not known` }] : [];
