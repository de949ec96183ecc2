import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Encrypter, generateX25519Identity } from 'age-encryption';
import { readRecoveryFile, writeRecoveryFile } from '../../src/node/membership/recovery-file.ts';
import { createAuthority } from '../../src/state/records/index.ts';

const PASSPHRASE = 'correct horse battery staple';
const dir = mkdtempSync(join(tmpdir(), 'resettle-recovery-'));
after(() => rmSync(dir, { recursive: true, force: true }));

/** How often others had their turn meanwhile. */
async function turnsWhile(work: Promise<unknown>): Promise<number> {
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 1);
  await work.finally(() => clearInterval(timer));
  return turns;
}

test('both keys come back, and others have their turn while the passphrase is worked on', async () => {
  const path = join(dir, 'both');
  const keys = { authorityKey: await createAuthority(randomBytes), recoveryIdentity: await generateX25519Identity() };
  assert.ok((await turnsWhile(writeRecoveryFile(path, PASSPHRASE, keys))) > 5);
  const reading = readRecoveryFile(path, PASSPHRASE);
  assert.ok((await turnsWhile(reading)) > 5);
  const { authorityKey, recoveryIdentity } = await reading;
  assert.ok(authorityKey.equals(keys.authorityKey));
  assert.equal(recoveryIdentity, keys.recoveryIdentity);
  const pipe = join(dir, 'pipe');
  execFileSync('mkfifo', [pipe]);
  spawn('sh', ['-c', '{ head -c 100 "$0"; sleep 0.2; tail -c +101 "$0"; } > "$1"', path, pipe], { stdio: 'inherit' });
  const piped = await readRecoveryFile(pipe, PASSPHRASE);
  assert.equal(piped.recoveryIdentity, keys.recoveryIdentity, 'a pipe gives it in pieces');
  await assert.rejects(readRecoveryFile(path, `${PASSPHRASE}s`), { code: 'refused' });
  await assert.rejects(writeRecoveryFile(path, PASSPHRASE, keys), { code: 'failed' });
});

test('what is no recovery file is named, however large it is or whatever it asks for', async () => {
  const path = join(dir, 'other');
  const sealed = async (work: number): Promise<Uint8Array> => {
    const encrypter = new Encrypter();
    encrypter.setPassphrase(PASSPHRASE);
    encrypter.setScryptWorkFactor(work);
    return await encrypter.encrypt('authority AAAA\n');
  };
  const cheap = await sealed(10);
  const dear = Buffer.from(
    Buffer.from(cheap)
      .toString('latin1')
      .replace(/^(-> scrypt \S+) 10$/m, '$1 30'),
    'latin1',
  );
  for (const bytes of [cheap, dear, Buffer.alloc(50_000, 'x')]) {
    writeFileSync(path, bytes);
    await assert.rejects(readRecoveryFile(path, PASSPHRASE), { code: 'damaged', message: new RegExp(path) });
  }
  await assert.rejects(readRecoveryFile(join(dir, 'none'), PASSPHRASE), { code: 'not-found' });
});
