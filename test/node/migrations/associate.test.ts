import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { associationId } from '../../../src/common/ids.ts';
import { type AssociateOptions, associate, endAssociation } from '../../../src/node/migrations/associate.ts';
import { associationKeys } from '../../../src/node/migrations/keys.ts';
import type { AssociationWish } from '../../../src/node/migrations/wish.ts';
import { openTicketKey, recipientOfRecoveryCode } from '../../../src/state/keys/index.ts';
import { createAuthority, foundFleet, openTerms } from '../../../src/state/records/index.ts';
import { invite, join, type Machine, machine, memberBody, randomFrom, START, sync } from '../../records/machines.ts';

/** Machines whose age keys are real ones, so that what is sealed to them opens. */
interface Keyed {
  readonly machine: Machine;
  readonly identity: string;
}

const dir = mkdtempSync(joinPath(tmpdir(), 'resettle-test-'));
after(() => rmSync(dir, { recursive: true, force: true }));

let boss: Keyed;
let lab: Keyed[];

async function keyed(name: string): Promise<Keyed> {
  const identity = await generateX25519Identity();
  const ageRecipient = await identityToRecipient(identity);
  return { machine: { ...(await machine(name)), ageRecipient }, identity };
}

before(async () => {
  boss = await keyed('boss');
  await foundFleet(boss.machine.log, {
    name: 'lab',
    authorityKey: await createAuthority(randomFrom('lab authority')),
    memberBody: memberBody(boss.machine),
    recoveryRecipient: null,
    now: START,
  });
  lab = await Promise.all(['pc-1', 'pc-2', 'pc-3', 'nas'].map(keyed));
  for (const { machine: one } of lab) {
    const body = memberBody(one, { acceptsOperators: true, point: one.name === 'nas' });
    await join(one, boss.machine, await invite(boss.machine), body);
  }
  for (let round = 0; round < 2; round += 1) for (const one of lab) await sync(one.machine, boss.machine);
});

function options(who: Keyed): AssociateOptions {
  const { log, peerId, random } = who.machine;
  return {
    self: peerId,
    random,
    roster: () => log.roster(),
    append: (body) => log.append(body),
    keys: associationKeys(random),
  };
}

function wish(
  source: string,
  destination: AssociationWish['destination'],
  more: Partial<AssociationWish> = {},
): AssociationWish {
  const nothing = { replicas: undefined, keepMs: undefined, deadlineMs: undefined, shares: undefined };
  const rest = { recoveryCodeOut: undefined, startAtOnce: undefined };
  return {
    source,
    destination,
    users: [],
    areas: [],
    paths: [],
    mapUsers: [],
    points: [],
    ...nothing,
    ...rest,
    ...more,
  };
}

const to = (name: string) => ({ kind: 'machine', machine: name }) as const;

describe('an operator’s list of associations', () => {
  it('is made whole or not at all, and names each line that is wrong', async () => {
    const before = boss.machine.log.roster().associations.size;
    const list = [wish('pc-1', to('pc-2')), wish('pc-9', to('pc-2')), wish('pc-3', to('pc-3'))];
    await assert.rejects(associate(list, options(boss)), /2 of 3 .* none was made: number 2: .*pc-9.*; number 3: /);
    const oneWrong = [wish('pc-1', to('pc-2')), wish('pc-1', to('nobody'))];
    await assert.rejects(associate(oneWrong, options(boss)), /1 of 2 .* none was made: number 2: /);
    const twice = [wish('pc-1', { kind: 'in-place' }), wish('pc-1', { kind: 'in-place' })];
    await assert.rejects(associate(twice, options(boss)), /number 1 and number 2 are the same/);
    assert.equal(boss.machine.log.roster().associations.size, before);
  });

  it('seals terms to the parties and the operators, and to nobody else', async () => {
    const terms = { users: ['ann'], paths: ['/srv/data'], mapUsers: [{ from: 'ann', to: 'anna' }] };
    const [made] = await associate(
      [wish('pc-1', to('pc-2'), { ...terms, replicas: 2, startAtOnce: 3 })],
      options(boss),
    );
    const { body } = boss.machine.log.roster().associations.get(made!.association)!;
    assert.deepEqual([body.replicas, body.start?.atOnce], [2, 3]);
    for (const who of [boss, lab[0]!, lab[1]!]) {
      assert.deepEqual(await openTerms(body.sealed!, who.identity), { ...terms, areas: [] });
    }
    await assert.rejects(openTerms(body.sealed!, lab[2]!.identity), /do not open with the key of this machine/);
    assert.ok(!Buffer.from(body.sealed!).includes('ann'));
  });

  it('does nothing the second time', async () => {
    const again = await associate([wish('pc-1', to('pc-2'))], options(boss));
    assert.equal(again[0]!.unchanged, true);
  });
});

describe('an association in place', () => {
  it('carries a ticket key for the operators, and a recovery code that only the file has', async () => {
    const recoveryCodeOut = joinPath(dir, 'code');
    const shares = { needed: 2, total: 3 };
    const asked = wish('pc-3', { kind: 'in-place' }, { recoveryCodeOut, shares });
    const [made] = await associate([asked], options(boss));
    assert.equal(made!.destination, null);
    const { body } = boss.machine.log.roster().associations.get(made!.association)!;
    assert.deepEqual([body.mode, body.shares], ['in-place', shares]);
    const key = { recipient: body.ticketRecipient!, sealed: body.ticketSealed! };
    assert.match(await openTicketKey(key, boss.identity), /^AGE-SECRET-KEY-1/);
    await assert.rejects(openTicketKey(key, lab[2]!.identity), /does not open with the key of this machine/);
    assert.equal(await recipientOfRecoveryCode(readFileSync(recoveryCodeOut, 'utf8').trim()), body.codeRecipient);
    assert.equal(statSync(recoveryCodeOut).mode & 0o777, 0o600);
  });

  it('never writes a recovery code over a file', async () => {
    const recoveryCodeOut = joinPath(dir, 'code');
    await assert.rejects(
      associate([wish('pc-2', { kind: 'in-place' }, { recoveryCodeOut })], options(boss)),
      /code is there already/,
    );
  });
});

describe('the end of an association', () => {
  it('is told by the beginning of its id, by those who may, and stops captures only', async () => {
    const [made] = await associate([wish('pc-2', to('pc-3'))], options(boss));
    const id = made!.association;
    await sync(lab[3]!.machine, boss.machine);
    await assert.rejects(endAssociation(id.slice(0, 10), options(lab[3]!)), /only pc-2 itself or an operator/);
    await assert.rejects(endAssociation('0000000000', options(boss)), /no association of this fleet/);
    assert.equal(await endAssociation(id.slice(0, 10), options(boss)), id);
    const ended = boss.machine.log.association(associationId(id))!;
    assert.deepEqual([ended.ended, ended.destination], [true, lab[2]!.machine.peerId]);
  });
});
