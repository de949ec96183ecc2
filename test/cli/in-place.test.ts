import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { compareTrees } from '../support/compare-trees.ts';
import { eventually, Scene } from '../support/scene.ts';
import { makeHome } from '../support/trees.ts';

const scene = new Scene();
const MACHINES = ['boss', 'nas', 'pc', 'lab', 'spare'];

/** Each machine's hardware, which a wipe does not change. */
function hardware(name: string, number = MACHINES.indexOf(name) + 1): { env: NodeJS.ProcessEnv } {
  const file = scene.path(`${name}.hardware`);
  const digits = String(number).padStart(12, '0');
  const facts = { productUuid: `4c4c4544-0039-4d10-8051-${digits}`, productSerial: `SN${digits}` };
  writeFileSync(file, JSON.stringify(facts));
  return { env: { RESETTLE_HARDWARE_FILE: file } };
}

let source = '';

before(async () => {
  for (const name of MACHINES) {
    if (name === 'nas') await scene.agent(name, ['--point', scene.storeOf(name), '--keep-free', '0MB'], hardware(name));
    else await scene.agent(name, [], hardware(name));
  }
  await scene.done('boss', ['fleet', 'init', '--name', 'laboratory']);
  const token = await scene.invite('boss', ['--uses', '4']);
  for (const name of ['nas', 'pc', 'lab', 'spare']) {
    const ended = await scene.run(name, ['fleet', 'join', '-', '--accept-operators'], { input: `${token}\n` });
    assert.equal(ended.last.admitted, true, ended.stdout + ended.stderr);
  }
  await eventually('boss knows that lab accepts orders', async () => {
    const { members } = await scene.done('boss', ['fleet', 'members']);
    return (members as unknown[]).length === MACHINES.length || undefined;
  });
  source = makeHome(scene.path('ann'));
});

after(() => scene.end());

describe('a machine that is wiped and installed anew', () => {
  let ticket = '';

  it('is captured in place, and its key is with members that cannot use it', async () => {
    const [made] = (await scene.done('boss', ['associate', 'lab', '--in-place'])).associations as {
      association: string;
    }[];
    await eventually('lab knows the association', async () => {
      const { associations } = await scene.done('lab', ['associations']);
      return (associations as unknown[]).length === 1 || undefined;
    });
    const ended = await scene.run('lab', ['capture', source, '--for', 'lab'], { mayLeaveOut: true });
    assert.ok([0, 3].includes(ended.status!), ended.stdout + ended.stderr);
    assert.equal(ended.last.association, made!.association);
    assert.equal(ended.last.safe, true, JSON.stringify(ended.last.missing));
    const status = await scene.run('boss', ['status', '--until', 'safe']);
    assert.equal(status.status, 0, status.stdout);
  });

  it('gets its state back with the ticket, and with a new key', async () => {
    ticket = await scene.invite('boss', ['--ticket', 'lab']);
    await scene.stop('lab', 'SIGKILL');
    rmSync(scene.path('lab'), { recursive: true });
    await scene.agent('lab', [], hardware('lab'));
    const joined = await scene.run('lab', ['fleet', 'join', '-'], { input: `${ticket}\n` });
    assert.equal(joined.last.admitted, true, joined.stdout + joined.stderr);

    const into = scene.path('restored');
    const ended = await scene.run('lab', ['restore', '--into', into, '--strip'], { mayLeaveOut: true });
    assert.ok([0, 3].includes(ended.status!), ended.stdout + ended.stderr);
    assert.deepEqual(compareTrees(source, into).differences, []);
    await eventually('boss sees that it is restored', async () => {
      const { status } = await scene.run('boss', ['status']);
      return status === 0 || undefined;
    });
  });

  it('cannot do that a second time, nor can a machine without the ticket', async () => {
    await scene.stop('lab', 'SIGKILL');
    rmSync(scene.path('lab'), { recursive: true });
    await scene.agent('lab', [], hardware('lab'));
    const joined = await scene.run('lab', ['fleet', 'join', '-'], { input: `${ticket}\n` });
    assert.equal(joined.status, 4, joined.stdout + joined.stderr);

    const other = await scene.run('spare', ['restore', '--from', 'lab', '--into', scene.path('stolen')]);
    assert.ok([4, 6].includes(other.status!), other.stdout + other.stderr);
  });
});
