import { join } from 'node:path';
import { ownersFor, ownersOf } from '../../../../src/state/areas/accounts/owners.ts';
import type { AccountsContent } from '../../../../src/state/areas/accounts/schema.ts';
import { LocalSystem } from '../../../../src/state/areas/base/local-system.ts';
import { AREA_NAMES } from '../../../../src/state/areas/base/names.ts';
import { AREAS } from '../../../../src/state/areas/registry.ts';
import { Beneath } from '../../../../src/state/areas/transaction/beneath.ts';
import { makePlan } from '../../../../src/state/areas/transaction/make-plan.ts';
import type { AreasParts } from '../../../../src/state/areas/transaction/parts.ts';
import type { AreasPlan, AreasWish } from '../../../../src/state/areas/transaction/types.ts';
import { temporaryFolder } from '../../../state/support/source-machine.ts';
import { putFile, type TestFile } from '../../support/machine.ts';
import { type Ending, type Forged, writeForged } from './forged.ts';
import { TARGET } from './target.ts';

const PARTS: AreasParts = {
  areas: AREAS,
  systemAt: (root) => new LocalSystem(root),
  ownerTable: (contents, target, { mapUsers }) =>
    ownersFor(contents.get('accounts') as AccountsContent | undefined, target, mapUsers),
  ownersOf,
};

/** What a restore of forged documents would do, everything being asked for and allowed. Throws as the product does. */
export function planForged(
  t: Ending,
  forged: Forged,
  wish: Partial<AreasWish> & { readonly target?: Readonly<Record<string, TestFile>> } = {},
): AreasPlan {
  const { target = TARGET, ...wished } = wish;
  const top = temporaryFolder(t);
  const [root, documents] = [join(top, 'root'), join(top, 'documents')];
  for (const [path, file] of Object.entries({ '/etc/': {}, ...target })) putFile(root, path, file);
  writeForged(documents, forged);
  const beneath = new Beneath(root);
  try {
    const { plan } = makePlan(
      PARTS,
      documents,
      {
        ...{ root, areas: AREA_NAMES, asked: AREA_NAMES, identity: 'same', allowPrivileged: true },
        ...{ mapUsers: [], nowMs: Date.UTC(2026, 0, 31), ...wished },
      },
      { system: new LocalSystem(root), beneath },
    );
    return plan;
  } finally {
    beneath.close();
  }
}
