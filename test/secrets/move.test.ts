/** Two machines and a code: who hears or reads it, and where the keys are that follow from it. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { bytesOfHex } from '../../src/common/bytes.ts';
import { Stage } from './support/stage.ts';

const stage = new Stage();
after(() => stage.end());
const LOOPBACK = ['--interface', 'lo'];
const LISTEN = [...LOOPBACK, '--listen', '/ip4/127.0.0.1/tcp/0'];

/** The keys of a pairing that is not used up. */
function secretsOfPairing(name: string): void {
  const folder = join(stage.home(name), 'pairings');
  for (const id of readdirSync(folder)) {
    const { key, stateKey } = JSON.parse(readFileSync(join(folder, id, 'pairing.json'), 'utf8')) as Record<
      string,
      string
    >;
    // What Protobuf has in front is no secret, nor is the public half behind.
    stage.secret(`the key of the pairing at ${name}`, bytesOfHex(key!).subarray(4, 36));
    if (stateKey) stage.secret('the key of what was sent', bytesOfHex(stateKey));
  }
}

test('the code is said once, to who shall type it, and no key that follows from it is anywhere once all is across', async () => {
  const home = join(stage.own, 'ann');
  mkdirSync(home);
  const written = randomBytes(24).toString('base64');
  writeFileSync(join(home, 'letter'), `${written}\n`);
  writeFileSync(join(home, 'bulk'), randomBytes(20_000_000));
  stage.secret('what is in a file', written);

  const send = stage.start('old', ['send', home, ...LISTEN]);
  const { pairingCode } = await send.event(({ event }) => event === 'code');
  const code = String(pairingCode);
  const wrong = `${code.slice(0, 3)}-${code.endsWith('acid-zoom') ? 'zoom-acid' : 'acid-zoom'}`;
  const receive = (typed: string) => ['receive', typed, '--into', join(stage.own, 'into'), '--yes', ...LOOPBACK];
  await stage.run('new', receive(wrong), {}, [4]);
  const taken = stage.start('new', receive(code));
  await taken.event(({ event, phase }) => event === 'progress' && phase !== 'scan');
  for (const [name, command] of [
    ['old', send],
    ['new', taken],
  ] as const) {
    command.kill('SIGSTOP');
    secretsOfPairing(name);
    command.kill('SIGCONT');
  }
  for (const ended of await Promise.all([send.ended, taken.ended])) assert.equal(ended.status, 0, ended.stderr);
  await stage.stop();

  const said = `${send.stdout}${send.stderr}${taken.stdout}${taken.stderr}`
    .split('\n')
    .filter((line) => line.includes(code.slice(4)));
  assert.deepEqual(
    said.map((line) => JSON.parse(line).event),
    ['code'],
  );
  assert.deepEqual(stage.search().leaks, []);
});
