/** A machine in a folder whose settings are restored by areas, and what is made of it. */
import { join } from 'node:path';
import { LocalSystem } from '../../../../src/state/areas/base/local-system.ts';
import { AREA_NAMES } from '../../../../src/state/areas/base/names.ts';
import type { AreasParts } from '../../../../src/state/areas/transaction/parts.ts';
import type { AreasWish } from '../../../../src/state/areas/transaction/types.ts';
import { AS_CAPTURED, fakeArea } from '../../../areas/transaction/support/fake-areas.ts';

export const AREAS: AreasParts = {
  areas: AREA_NAMES.map((name) => fakeArea(name)),
  systemAt: (root) => new LocalSystem(root),
  ...AS_CAPTURED,
};

export const placesIn = (dir: string) => ({
  root: join(dir, 'root'),
  documents: join(dir, 'documents'),
  undoDir: join(dir, 'home', 'restores', 'one'),
});

export const wishFor = (root: string): AreasWish => ({
  root,
  areas: AREA_NAMES,
  asked: [],
  identity: 'new',
  allowPrivileged: false,
  mapUsers: [],
  nowMs: Date.UTC(2026, 0, 31),
});
