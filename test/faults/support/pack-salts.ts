/** Nonces of packs are counted from 0 under a salt of their own: two packs with one salt would be two uses of one nonce. */
import assert from 'node:assert/strict';
import { closeSync, openSync, readSync } from 'node:fs';
import { filesBelow } from '../../support/trees.ts';

const MAGIC_BYTES = 8;
const SALT_BYTES = 32;

/** Of all packs below these folders; the same pack in two stores counts once. Throws where two packs have one salt. */
export function checkSalts(...stores: readonly string[]): number {
  const names = new Map<string, string>();
  for (const store of stores) {
    for (const path of filesBelow(store)) {
      const name = /\/packs\/[0-9a-f]{2}\/([0-9a-f]{64})$/.exec(path)?.[1];
      if (name === undefined) continue;
      const salt = saltOf(path);
      assert.ok(
        names.get(salt) === undefined || names.get(salt) === name,
        `${name} and ${names.get(salt)} share a salt`,
      );
      names.set(salt, name);
    }
  }
  return names.size;
}

function saltOf(path: string): string {
  const salt = Buffer.alloc(SALT_BYTES);
  const fd = openSync(path, 'r');
  try {
    assert.equal(readSync(fd, salt, 0, SALT_BYTES, MAGIC_BYTES), SALT_BYTES);
    return salt.toString('hex');
  } finally {
    closeSync(fd);
  }
}
