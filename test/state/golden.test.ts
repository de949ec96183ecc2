import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { type PeerIdText, stateId } from '../../src/common/ids.ts';
import { unwrapStateKey, unwrapStateKeyByPassphrase } from '../../src/state/format/index.ts';
import { restoreSnapshot } from '../../src/state/restore/index.ts';
import { Store, storeSource } from '../../src/state/store/index.ts';
import { Layout } from '../../src/state/store/layout.ts';
import { listEntries, openSnapshotFile, verifyState } from '../../src/state/tools/index.ts';
import { type WalkedItem, walkFolder } from '../golden/walk.ts';
import { isRoot, lacks } from '../support/tools.ts';

const VERSIONS = join(import.meta.dirname, '../golden');
const on = { onProgress() {}, signal: new AbortController().signal };

interface Expected {
  readonly store: string;
  readonly state: string;
  readonly source: PeerIdText;
  readonly passphrase?: string;
  readonly keyFile?: PeerIdText;
  readonly identity?: string;
  readonly snapshots: readonly { readonly snapshot: number; readonly items: readonly WalkedItem[] }[];
}

const versions = readdirSync(VERSIONS, { withFileTypes: true }).filter((one) => one.isDirectory());
const all = versions.flatMap(({ name: version }) =>
  readdirSync(join(VERSIONS, version))
    .filter((name) => name.endsWith('.json'))
    .map((name) => {
      const expected = JSON.parse(readFileSync(join(VERSIONS, version, name), 'utf8')) as Expected;
      return { version, dir: join(VERSIONS, version, expected.store), expected };
    }),
);

async function stateKeyOf(store: Store, { state, passphrase, keyFile, identity }: Expected): Promise<Uint8Array> {
  const file = await store.readKey(stateId(state), keyFile ?? 'passphrase');
  if (passphrase !== undefined) return unwrapStateKeyByPassphrase(file!, passphrase);
  return unwrapStateKey(file!, identity!);
}

/** What a user without privileges gets of an item: it is his, and nothing that only root may bring. */
function asOwn(item: WalkedItem): WalkedItem {
  const attributes = item.attributes.filter((line) => line.startsWith('user.'));
  return { ...item, owner: '', mode: item.mode.replace(/^[246]/, '0'), attributes, acl: [] };
}

const comes = (item: WalkedItem): boolean => isRoot || (item.type !== 'character' && item.type !== 'block');

for (const { version, dir, expected } of all) {
  test(`the golden store ${version}/${expected.store} verifies, lists and restores`, {
    skip: lacks('getfattr', 'getfacl'),
  }, async (t) => {
    // A copy: the committed one is never written to, not even by a lock.
    const scratch = mkdtempSync(join(tmpdir(), 'resettle-golden-'));
    t.after(() => rmSync(scratch, { recursive: true, force: true }));
    cpSync(dir, join(scratch, 'store'), { recursive: true });
    const store = await Store.open(join(scratch, 'store'), { readOnly: true });
    t.after(() => store.close());
    const id = stateId(expected.state);
    const stateKey = await stateKeyOf(store, expected);
    const [held] = await store.states();
    const damages: unknown[] = [];
    await verifyState(store, held!, stateKey, { ...on, onDamage: (damage) => damages.push(damage) });
    assert.deepEqual(damages, []);
    assert.deepEqual(
      held!.snapshots,
      expected.snapshots.map(({ snapshot }) => snapshot),
    );

    const layout = new Layout(store.dir);
    for (const { snapshot, items } of expected.snapshots) {
      const descriptor = (await store.readDescriptor(id, snapshot))!;
      const paths = new Set<string>();
      const flagged: string[] = [];
      await listEntries(
        await openSnapshotFile(descriptor, stateKey),
        { stateId: id, stateKey },
        (pack) => layout.pack(id, pack),
        ({ path, flags }) => {
          paths.add(path);
          if (flags !== 0) flagged.push(`${path.split('/').at(-1)} ${flags}`);
        },
        on.signal,
      );
      assert.equal(paths.size, items.length);
      assert.deepEqual(flagged, ['not dumped 64']);
      const target = join(scratch, `restored-${snapshot}`);
      const { withheld } = await restoreSnapshot(
        {
          descriptor,
          stateKey,
          expected: { stateId: id, source: expected.source, association: undefined },
          target,
          strip: true,
          source: storeSource(store, id),
          restoreId: `golden-${snapshot}`,
          allowPrivileged: isRoot,
        },
        on,
      );
      const restored = walkFolder(target);
      if (isRoot) {
        assert.deepEqual(restored, items);
        // Not every file system keeps inode flags.
        assert.deepEqual(
          withheld.items.filter(({ path }) => !path.endsWith('not dumped')),
          [],
        );
      } else {
        assert.deepEqual(restored.map(asOwn), items.filter(comes).map(asOwn));
      }
    }
  });
}

test('there is a golden store', () => assert.ok(all.length > 0));
