/** A direct move by a code: each side killed at every point on its way, and gone on with. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Failpoint } from '../../../src/common/failpoint.ts';
import { Command, type Ended } from '../../support/agents.ts';
import { assertSame } from '../support/folder-world.ts';
import { makeTree } from '../support/tree.ts';
import type { Ledger } from './ledger.ts';

const SEND: readonly Failpoint[] = ['send.summary-written', 'send.descriptor-written'];
const RECEIVE: readonly Failpoint[] = ['receive.piece-written', 'receive.file-placed'];
const OVER: readonly Failpoint[] = ['pairing.keys-removed'];

export const DIRECT_POINTS = [SEND, RECEIVE, OVER].flat();

export async function directChain(ledger: Ledger): Promise<void> {
  const { dir, random } = ledger.run;
  const tree = makeTree(join(dir, 'moved'), random);
  const into = join(dir, 'arrived');
  const common = (name: string): string[] => ['--home', join(dir, name), '--interface', 'lo', '--json'];
  const send = (point?: Failpoint): Command =>
    new Command(['send', tree, '--listen', '/ip4/127.0.0.1/tcp/0', ...common('sender')], { env: ledger.env(point) });
  const receive = (code: string | undefined, point?: Failpoint): Command => {
    const given = code === undefined ? [] : [code];
    const args = ['receive', ...given, '--into', into, '--strip', '--yes', ...common('receiver')];
    return new Command(args, { env: ledger.env(point) });
  };
  const dies = async (command: Command, point: Failpoint): Promise<void> => {
    const { signal, stdout, stderr } = await command.ended;
    assert.equal(signal, 'SIGKILL', `${point}: ${stdout.slice(-1500)}${stderr.slice(-1500)}`);
    ledger.note(point);
  };
  const codeOf = async (command: Command): Promise<string> =>
    String((await command.event(({ event }) => event === 'code')).pairingCode);
  // Some of it is done before there is a code; what a pairing that never began leaves is of no use to anybody.
  for (const point of SEND) {
    const sending = send(point);
    const code = await codeOf(sending).catch(() => undefined);
    const receiving = code === undefined ? undefined : receive(code);
    await dies(sending, point);
    receiving?.kill('SIGKILL');
    await receiving?.ended;
  }
  const sending = send();
  const first = receive(await codeOf(sending), RECEIVE[0]!);
  await dies(first, RECEIVE[0]!);
  await dies(receive(undefined, RECEIVE[1]!), RECEIVE[1]!);
  await dies(receive(undefined, OVER[0]!), OVER[0]!);
  assertSame(tree, into, 'moved');
  const ended: Ended = await sending.ended;
  assert.equal(ended.status, 0, ended.stdout);
  const again = await receive(undefined).ended;
  assert.equal(again.last.code, 'usage', `nothing is left to go on with: ${again.stdout}`);
  assert.deepEqual(existsSync(join(dir, 'sender', 'pairings')) ? readdirSync(join(dir, 'sender', 'pairings')) : [], []);
}
