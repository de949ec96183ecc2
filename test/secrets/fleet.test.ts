/** A fleet is made, a machine is captured, wiped and installed anew: every key and every word of that, and who may have it. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { bytesOfHex } from '../../src/common/bytes.ts';
import { readRecoveryFile } from '../../src/node/membership/recovery-file.ts';
import { seedOf } from '../../src/state/records/keys.ts';
import { parseInviteToken } from '../../src/state/records/token.ts';
import { eventually } from '../support/scene.ts';
import { bytesOfBech32 } from './support/forms.ts';
import { Stage } from './support/stage.ts';

const stage = new Stage();
after(() => stage.end());

const json = (...path: string[]): unknown => JSON.parse(readFileSync(join(stage.made, ...path), 'utf8'));
const words = (): string => `correct horse ${randomBytes(6).toString('hex')}`;

/** The two keys that an agent is, which lie in its HOME only. */
function secretsOfAgent(name: string): void {
  const key = readFileSync(join(stage.home(name), 'identity.key'));
  // What Protobuf has in front is no secret, nor is the public half behind.
  stage.secret(`the key of ${name}`, key.subarray(4, 36), new RegExp(`^${name}(-wiped)?/identity.key$`));
  const age = readFileSync(join(stage.home(name), 'age.key'), 'utf8').trim();
  stage.secret(`the age key of ${name}`, bytesOfBech32(age), new RegExp(`^${name}(-wiped)?/age.key$`));
}

/** What nobody may have but who is shown the token. */
async function secretsOfToken(name: string, text: string, ...places: RegExp[]): Promise<void> {
  const token = await parseInviteToken(text);
  stage.secret(`the key in ${name}`, seedOf(token.inviteKey), ...places);
  if (token.ticketIdentity) stage.secret(`the ticket key in ${name}`, bytesOfBech32(token.ticketIdentity), ...places);
}

/** Each machine’s hardware, which a wipe does not change. */
function hardware(name: string, digit: number): NodeJS.ProcessEnv {
  const file = join(stage.own, `${name}.hardware`);
  const digits = String(digit).padStart(12, '0');
  writeFileSync(
    file,
    JSON.stringify({ productUuid: `4c4c4544-0039-4d10-8051-${digits}`, productSerial: `SN${digits}` }),
  );
  return { RESETTLE_HARDWARE_FILE: file };
}

test('no key, token, ticket, share, code or passphrase of a fleet stands where it must not', async () => {
  const recovery = join(stage.own, 'recovery.age');
  const code = join(stage.own, 'recovery-code');
  const [right, wrong] = [words(), words()];
  stage.secret('the passphrase', right);
  stage.secret('a wrong passphrase', wrong);
  const by = (line: string) => ['--passphrase-file', stage.given(`words ${line.slice(-4)}`, line)];

  await stage.agent('boss', [], hardware('boss', 1));
  await stage.agent('nas', ['--point', join(stage.made, 'store'), '--keep-free', '0MB'], hardware('nas', 2));
  await stage.agent('pc', [], hardware('pc', 3));
  const lab = await stage.agent('lab', [], hardware('lab', 4));
  for (const name of ['boss', 'nas', 'pc', 'lab']) secretsOfAgent(name);

  await stage.run('boss', ['fleet', 'init', '--name', 'office', '--recovery-out', recovery, ...by(right)]);
  const { authorityKey, recoveryIdentity } = await readRecoveryFile(recovery, right);
  stage.secret('the authority’s key', authorityKey.raw.subarray(0, 32));
  stage.secret('the recovery key', bytesOfBech32(recoveryIdentity));
  const invited = await stage.run('boss', ['fleet', 'invite', '--uses', '3']);
  const token = String(invited.last.token);
  await secretsOfToken('the invite', token, /^standard output of fleet invite of boss$/);
  // A slip of the pen changes one letter of a good token.
  const damaged = `${token.slice(0, -40)}${token.at(-40) === 'A' ? 'B' : 'A'}${token.slice(-39)}`;
  await stage.run('lab', ['fleet', 'join', '-'], { input: damaged }, [4]);
  for (const name of ['nas', 'pc', 'lab'])
    await stage.run(name, ['fleet', 'join', '-', '--accept-operators'], { input: token });

  await stage.run('boss', ['associate', 'lab', '--in-place', '--recovery-code-out', code]);
  stage.secret('the recovery code', readFileSync(code, 'utf8').trim());
  await eventually('lab knows the association', async () => {
    const { last } = await stage.run('lab', ['associations']);
    return (last.associations as unknown[]).length === 1 || undefined;
  });
  const home = join(stage.own, 'ann');
  mkdirSync(home);
  const written = randomBytes(24).toString('base64');
  writeFileSync(join(home, 'letter'), `${written}\n`);
  stage.secret('what is in a file', written);
  const captured = await stage.run('lab', ['capture', home, '--for', 'lab']);
  assert.equal(captured.last.safe, true, JSON.stringify(captured.last.missing));
  for (const name of readdirSync(join(stage.home('lab'), 'states'))) {
    const { key } = json('lab', 'states', name) as { key: string };
    stage.secret('the state key', bytesOfHex(key), /^lab-wiped\/states\//);
  }
  for (const name of readdirSync(join(stage.home('lab'), 'dealt'))) {
    const { shares } = json('lab', 'dealt', name) as { shares: { peer: string; share: string }[] };
    for (const { peer, share } of shares)
      stage.secret(
        `the share of ${peer.slice(-6)}`,
        Buffer.from(share, 'base64'),
        /^lab-wiped\/dealt\//,
        /^\w+\/shares\//,
      );
  }

  const ticket = String((await stage.run('boss', ['fleet', 'invite', '--ticket', 'lab'])).last.token);
  await secretsOfToken('the ticket', ticket, /^standard output of fleet invite of boss$/);
  lab.kill('SIGKILL');
  await lab.ended;
  renameSync(stage.home('lab'), stage.home('lab-wiped'));
  await stage.agent('lab-again', [], hardware('lab', 4));
  secretsOfAgent('lab-again');
  await stage.run('lab-again', ['fleet', 'join', '-'], { input: ticket });
  const into = (name: string) => ['restore', '--from', 'lab', '--into', join(stage.own, name)];
  await stage.run('lab-again', into('by-ticket'));
  await stage.run('lab-again', [...into('by-code'), '--recovery-code-file', code]);
  await stage.run('boss', ['fleet', 'revoke', 'pc', '--recovery-file', recovery, ...by(wrong)], {}, [4]);
  await stage.run('lab-again', ['status', '--until', 'restored']);
  await stage.stop();
  const { leaks, searchedBytes } = stage.search();
  assert.deepEqual(leaks, []);
  assert.ok(searchedBytes > 100_000, 'there was something to search');
});
