import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, beforeEach, describe, it } from 'node:test';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { ResettleError } from '../../../src/common/errors.ts';
import { type PeerIdText, stateId } from '../../../src/common/ids.ts';
import { writeRecoveryFile } from '../../../src/node/membership/recovery-file.ts';
import type { TicketWay } from '../../../src/node/roles/destination/open-key.ts';
import { keyCheckValue, wrapStateKey } from '../../../src/state/format/index.ts';
import { identityOfRecoveryCode, newRecoveryCode, recipientOfRecoveryCode } from '../../../src/state/keys/index.ts';
import { createAuthority } from '../../../src/state/records/index.ts';
import { identity, newIdentity } from '../../state/support/source-machine.ts';
import { compareTrees } from '../../support/compare-trees.ts';
import { eventually } from '../../support/scene.ts';
import { makeBulk, makeHome } from '../../support/trees.ts';
import type { MemoryPoint, Snapshot } from './memory-point.ts';
import { Office } from './office.ts';

let office: Office;
let folder: string;
let first: Snapshot;
let second: Snapshot;
let [nas, spare]: MemoryPoint[] = [];
let count = 0;
const into = (): string => office.path(`into-${++count}`);

before(async () => {
  office = await Office.open();
  folder = makeBulk(makeHome(office.path('home-of-ann')), 24);
  first = await office.capture(folder, 1);
  second = await office.capture(folder, 2);
  nas = await office.point('nas');
  spare = await office.point('spare');
});
after(() => office.close());
beforeEach(() => {
  office.told.length = 0;
  office.notes.length = 0;
  office.down.clear();
  office.isMute = false;
  for (const point of [nas!, spare!]) {
    Object.assign(point, {
      claims: [],
      hides: [],
      isFull: false,
      packsGiven: 0,
      asked: [],
      beforePack: async () => {},
      beforeAnswer: async () => {},
    });
    point.snapshots.clear();
    point.packs.clear();
    for (const name of point.keys.keys()) if (name !== '') point.keys.delete(name);
  }
});

/** No pack is given before both have been open, so that which one is the quicker today makes no difference. */
function together(): void {
  let wereOpen = false;
  const areOpen = (): true | undefined => {
    wereOpen ||= nas!.sessions > 0 && spare!.sessions > 0;
    return wereOpen || undefined;
  };
  for (const point of [nas!, spare!]) point.beforePack = () => eventually('both are open', areOpen);
}

const same = (dir: string): void => assert.deepEqual(compareTrees(folder, dir).differences, []);
const noted = (pattern: RegExp): void =>
  assert.ok(
    office.notes.some((note) => pattern.test(note)),
    office.notes.join('\n'),
  );

describe('a restore from several holders', () => {
  it('reads from all of them, and acknowledges the snapshot when the last file is in place', async () => {
    nas!.take(first);
    spare!.take(first);
    office.committed(first, [nas!, spare!]);
    together();
    let pauses = 0;
    const pauseTrials = (): (() => void) => {
      pauses += 1;
      return () => {
        pauses -= 1;
      };
    };
    const dir = into();
    const phases = new Set<string>();
    const done = await office.restore({ into: dir }, { pauseTrials }, undefined, () => {
      assert.equal(pauses, 1);
      const word = office.saidBy(office.self, 'restore');
      if (word) phases.add(word.body.phase);
    });
    same(dir);
    assert.equal(pauses, 0);
    assert.ok(nas!.packsGiven > 0 && spare!.packsGiven > 0);
    assert.deepEqual(done.holders.map(({ name }) => name).sort(), ['nas', 'spare']);
    assert.equal(done.confirmedNewest, true);
    const { body } = office.saidBy(office.self, 'restore')!;
    assert.deepEqual([...phases], ['restoring']);
    assert.equal(body.phase, 'restored');
    assert.equal(body.descriptorHash, first.hash);
    assert.equal(body.bytes, done.bytes);
    assert.deepEqual([...body.peers].sort(), [nas!.peerId, spare!.peerId].sort());
    assert.equal(done.receipt?.descriptorHash, first.hash);
  });

  it('brings a state that is spread, and takes from the other what one has damaged', async () => {
    const ids = [...first.packs.keys()];
    nas!.take(first, (id) => ids.indexOf(id) % 2 === 0);
    spare!.take(first, (id) => ids.indexOf(id) % 2 === 1);
    const dir = into();
    await office.restore({ into: dir });
    same(dir);

    for (const point of [nas!, spare!]) point.take(first);
    nas!.damage();
    together();
    const again = into();
    const done = await office.restore({ into: again });
    same(again);
    noted(/nas gave wrong bytes for pack .* not asked again/);
    assert.ok(done.holders.some(({ name }) => name === 'spare'));
  });

  it('goes on with those that remain when one dies in the middle', async () => {
    nas!.take(first);
    spare!.take(first);
    const dir = into();
    let isKilled = false;
    together();
    await office.restore({ into: dir }, {}, undefined, ({ event }) => {
      if (isKilled || event !== 'progress' || nas!.packsGiven === 0) return;
      isKilled = true;
      office.down.add(nas!.peerId);
      for (const connection of office.node.getConnections(nas!.node.peerId)) connection.abort(new Error('killed'));
    });
    assert.ok(isKilled);
    same(dir);
  });

  it('says in a word without names that it failed, and acknowledges it when it went on', async () => {
    nas!.take(first);
    const victim = [...first.packs.keys()].at(-1)!;
    nas!.packs.delete(victim);
    const dir = into();
    await assert.rejects(office.restore({ into: dir }), { code: 'damaged', message: new RegExp(victim) });
    const { body } = office.saidBy(office.self, 'restore')!;
    assert.equal(body.phase, 'failed');
    assert.deepEqual(body.notes, ['no holder has every pack as it should be']);
    nas!.take(first);
    const done = await office.restore({ into: dir });
    assert.equal(done.resumed, true);
    assert.equal(office.saidBy(office.self, 'restore')!.body.phase, 'restored');
    same(dir);
  });

  it('says that it was interrupted, and that the same command goes on', async () => {
    nas!.take(first);
    const abort = new AbortController();
    const restore = office.restore({ into: into() }, {}, abort.signal, ({ event }) => {
      if (event === 'progress') abort.abort(new ResettleError('interrupted', 'interrupted'));
    });
    await assert.rejects(restore, { code: 'interrupted' });
    assert.deepEqual(office.saidBy(office.self, 'restore')!.body.notes, [
      'it was interrupted; the same command goes on',
    ]);
  });
});

describe('what a restore acknowledges', () => {
  it('is nothing after a dry run, or where only a part was asked for', async () => {
    nas!.take(first);
    const dry = await office.restore({ into: into(), dryRun: true });
    assert.equal(dry.receipt, null);
    const part = await office.restore({ into: into(), strip: false, only: [`${folder}/run.sh`] });
    assert.equal(part.files, 1);
    assert.equal(part.receipt, null);
    assert.equal(office.saidBy(office.self, 'restore'), undefined);
  });

  it('is not taken back by a later restore of the same or an older snapshot', async () => {
    for (const snapshot of [first, second]) nas!.take(snapshot);
    assert.ok((await office.restore({ into: into() })).receipt);
    const word = office.saidBy(office.self, 'restore')!;
    assert.equal(word.body.snapshot, 2);
    for (const snapshot of [1, 2]) assert.equal((await office.restore({ into: into(), snapshot })).receipt, null);
    assert.equal(office.saidBy(office.self, 'restore'), word);
  });

  it('is of the older snapshot where that was named', async () => {
    for (const snapshot of [first, second]) nas!.take(snapshot);
    const done = await office.restore({ into: into(), snapshot: 1 });
    assert.equal(done.receipt?.descriptorHash, first.hash);
    assert.equal(done.confirmedNewest, false);
    noted(/there is a newer snapshot: this one was asked for/);
  });

  it('is not worth the restore: where it cannot be signed, that is said', async () => {
    nas!.take(first);
    office.isMute = true;
    const dir = into();
    const done = await office.restore({ into: dir });
    assert.equal(done.receipt, null);
    same(dir);
    noted(/the fleet could not be told that this state is restored/);
  });
});

describe('the newest snapshot', () => {
  it('is not confirmed by one point alone, and that is said', async () => {
    nas!.take(first);
    const done = await office.restore({ into: into() });
    assert.equal(done.confirmedNewest, false);
    noted(/nobody else could say whether this is the newest snapshot/);
    spare!.take(first);
    assert.equal((await office.restore({ into: into(), dryRun: true })).confirmedNewest, true);
  });

  it('hidden by a point is found out: the restore is refused, and names it', async () => {
    for (const snapshot of [first, second]) nas!.take(snapshot);
    office.committed(second, [nas!]);
    nas!.hides = [2];
    await assert.rejects(office.restore({ into: into() }), {
      code: 'damaged',
      message: /snapshot 2 of laptop is the newest.*nas has 1; nas said that it holds it, and does not give it/,
      hint: /--snapshot 1/,
    });
    const done = await office.restore({ into: into(), snapshot: 1 });
    assert.equal(done.snapshot, 1);
  });

  it('is with a holder that is away: the older one is not taken instead', async () => {
    nas!.take(first);
    spare!.take(second);
    office.committed(second, [spare!]);
    office.down.add(spare!.peerId);
    await assert.rejects(office.restore({ into: into() }), {
      code: 'failed',
      message: /nas has 1; spare, which holds it, did not answer/,
      hint: /bring it back, or take the older one knowingly with --snapshot 1/,
    });
    office.down.clear();
    assert.equal((await office.restore({ into: into() })).snapshot, 2);
  });

  it('is waited for where nobody who answers has any, and who says that he holds it does not answer yet', async () => {
    spare!.take(second);
    office.committed(second, [spare!]);
    office.down.add(spare!.peerId);
    const missing = office.restore({ into: into() });
    await assert.rejects(missing, { code: 'not-found', message: /spare cannot be reached|no point that was reached/ });
    office.notes.length = 0;
    setTimeout(() => office.down.clear(), 150);
    assert.equal((await office.restore({ into: into() })).snapshot, 2);
    noted(/waiting up to 0.4 s: no answer from spare/);
  });

  it('is waited for where the word of its holder has not come here yet', async () => {
    spare!.take(second);
    office.down.add(spare!.peerId);
    setTimeout(() => office.down.clear(), 150);
    assert.equal((await office.restore({ into: into() })).snapshot, 2);
    noted(/waiting up to 0.4 s: no answer from spare/);
  });

  it('is taken from another holder, where the first does not answer after it said that it has it', async () => {
    for (const point of [nas!, spare!]) {
      point.take(first);
      point.beforeAnswer = async (what) => {
        // Whoever is asked first.
        if (what !== 'snapshot' || office.down.size > 0) return;
        office.down.add(point.peerId);
        throw new Error('it was switched off');
      };
    }
    await office.restore({ into: into() });
    assert.equal(office.down.size, 1);
    assert.ok(!office.notes.some((note) => note.startsWith('waiting')), office.notes.join('\n'));
  });

  for (const [what, times] of [
    ['its descriptor', 1],
    ['its key', 2],
  ] as const) {
    it(`is waited for, where its only holder goes before it gives ${what}`, async () => {
      nas!.take(first);
      let asked = 0;
      nas!.beforeAnswer = async (question) => {
        if (question !== 'snapshot') return;
        asked += 1;
        if (asked !== times) return;
        office.down.add(nas!.peerId);
        setTimeout(() => office.down.clear(), 100);
        throw new Error('it was switched off');
      };
      const dir = into();
      await office.restore({ into: dir });
      same(dir);
      noted(/waiting up to 0.4 s: .*nas/);
    });
  }

  it('is not waited for where a point says that it is for another machine', async () => {
    nas!.take(first);
    nas!.beforeAnswer = async () => {
      throw new ResettleError('refused', 'that state is for another machine');
    };
    office.down.add(spare!.peerId);
    await assert.rejects(office.restore({ into: into(), state: nas!.state }), { code: 'refused' });
    assert.ok(!office.notes.some((note) => note.startsWith('waiting')), office.notes.join('\n'));
    // Where no state is named, nobody has a reason to refuse: that is no answer.
    await assert.rejects(office.restore({ into: into() }), { code: 'refused' });
    noted(/waiting up to 0.4 s: no answer from spare/);
  });

  it('is not waited for without end', async () => {
    nas!.take(first);
    nas!.beforeAnswer = async (question) => {
      if (question === 'snapshot') throw new Error('it is broken');
    };
    spare!.take(second);
    nas!.claims = [3];
    await assert.rejects(office.restore({ into: into() }), {
      code: 'failed',
      message: /nas said that snapshot 3 of laptop is there, and does not answer any more/,
      hint: /--snapshot 2/,
    });
    assert.equal((await office.restore({ into: into(), snapshot: 2 })).snapshot, 2);
  });

  it('that a point only claims is left aside', async () => {
    nas!.take(first);
    spare!.take(first);
    spare!.claims = [9];
    const done = await office.restore({ into: into() });
    assert.equal(done.snapshot, 1);
    noted(/snapshot 9 of spare was left aside/);
  });

  it('under its number must be the one that the source says it committed', async () => {
    const forged = { ...(await office.capture(folder, 1)), packs: first.packs };
    assert.notEqual(forged.hash, first.hash);
    nas!.take(forged);
    office.committed(first, []);
    await assert.rejects(office.restore({ into: into() }), {
      code: 'refused',
      message: /nas has another snapshot 1 than the one that laptop says it committed/,
    });
    spare!.take(first);
    assert.equal((await office.restore({ into: into(), dryRun: true })).point, spare!.peerId);
  });

  it('signed by another machine is refused before its key is opened', async () => {
    nas!.take(await office.capture(folder, 1, (await newIdentity()).privateKey));
    nas!.asked = [];
    await assert.rejects(office.restore({ into: into() }), {
      code: 'refused',
      message: /nas gave a snapshot that laptop did not make for this association/,
    });
    assert.deepEqual(nas!.asked, ['find', 'snapshot'], 'no second time for its key');
  });

  it('of another number, under a false one, is nothing', async () => {
    nas!.snapshots.set(7, first.descriptor);
    await assert.rejects(office.restore({ into: into() }), { code: 'refused', message: /did not make/ });
  });
});

describe('whose state it is', () => {
  it('a person, an operator or a ticket says, and nobody else', async () => {
    nas!.take(first);
    const dir = into();
    const unnamed = { into: dir, from: undefined, dryRun: true };
    await assert.rejects(office.restore(unnamed), { code: 'unconfirmed', hint: /--from laptop/ });
    const ticket: TicketWay = {
      association: () => office.association.id,
      gatherShares: async () => assert.fail('the own key opens it'),
      spendTicket: async () => {},
    };
    await office.restore(unnamed, { keys: { ageIdentity: office.ageIdentity, ticket } });
    const operator = 'operator' as PeerIdText;
    office.addMember(operator, 'boss', { role: 'operator', status: 'revoked' });
    office.associate({ destination: office.self, signer: operator });
    await office.restore(unnamed);
    office.associate({ destination: office.self });
    assert.ok(!existsSync(dir));
  });

  it('is known although the old machine has left the fleet since', async () => {
    nas!.take(first);
    office.associations.clear();
    office.pastAssociations.set(office.association.id, office.association);
    office.addMember(identity.source, 'laptop', { status: 'revoked' });
    try {
      const dir = into();
      const done = await office.restore({ into: dir });
      assert.equal(done.machineName, 'laptop');
      same(dir);
    } finally {
      office.pastAssociations.clear();
      office.associate({ destination: office.self });
      office.addMember(identity.source, 'laptop');
    }
  });

  it('is not made a choice by a point that claims a state which there is not', async () => {
    nas!.take(first);
    spare!.take(first);
    spare!.state = stateId('66'.repeat(32));
    try {
      assert.equal((await office.restore({ into: into(), dryRun: true })).point, nas!.peerId);
    } finally {
      spare!.state = identity.stateId;
    }
  });

  it('is told where all copies were deleted', async () => {
    office.committed(first, [nas!], Date.UTC(2026, 0, 31));
    office.say(nas!.peerId, { step: 'holder', phase: 'deleted' }, Date.UTC(2026, 2, 1));
    await assert.rejects(office.restore({ into: into() }), {
      code: 'not-found',
      message: /nas deleted its copy on 2026-03-01/,
    });
  });
});

describe('the key of a state', () => {
  const otherKey = async (): Promise<Uint8Array> =>
    wrapStateKey((await newIdentity()).stateKey, await identityToRecipient(office.ageIdentity));

  /** A destination whose own key file nobody has. */
  async function without(work: () => Promise<void>): Promise<void> {
    const kept = new Map([nas!, spare!].map((point) => [point, point.keys.get('')!]));
    for (const point of kept.keys()) point.keys.delete('');
    try {
      await work();
    } finally {
      for (const [point, key] of kept) point.keys.set('', key);
    }
  }

  it('comes from the next holder where one has a false key file', async () => {
    nas!.take(first);
    spare!.take(first);
    const right = nas!.keys.get('')!;
    nas!.keys.set('', await otherKey());
    try {
      await office.restore({ into: into(), dryRun: true });
      noted(/opened by this machine's key/);
    } finally {
      nas!.keys.set('', right);
    }
  });

  it('comes from the fleet’s recovery file, and from nothing with a wrong passphrase', async () => {
    nas!.take(first);
    const recoveryIdentity = await generateX25519Identity();
    const file = office.path('recovery.age');
    const authorityKey = await createAuthority((size) => crypto.getRandomValues(new Uint8Array(size)));
    await writeRecoveryFile(file, 'right words', { authorityKey, recoveryIdentity });
    nas!.keys.set('recovery', await wrapStateKey(identity.stateKey, await identityToRecipient(recoveryIdentity)));
    await without(async () => {
      const dir = into();
      const wrong = { file, passphrase: 'wrong words' };
      await assert.rejects(office.restore({ into: dir, recovery: wrong }), {
        code: 'refused',
        message: /this machine's key: no holder has a key file for it; .*does not open with that passphrase/,
      });
      await assert.rejects(office.restore({ into: dir, recovery: { ...wrong, file: office.path('none') } }), {
        code: 'not-found',
      });
      await assert.rejects(office.restore({ into: dir }), { code: 'refused', hint: /--recovery-file F/ });
      assert.ok(!existsSync(dir));
      await office.restore({ into: dir, recovery: { file, passphrase: 'right words' } });
      same(dir);
      noted(/opened by the fleet's recovery key/);
    });
  });

  it('comes from a recovery code; one that was mistyped is told from a wrong one', async () => {
    nas!.take(first);
    const random = (size: number): Uint8Array => crypto.getRandomValues(new Uint8Array(size));
    const [code, other] = [newRecoveryCode(random), newRecoveryCode(random)];
    nas!.keys.set('code', await wrapStateKey(identity.stateKey, await recipientOfRecoveryCode(code)));
    const keys = { ageIdentity: office.ageIdentity, identityOfCode: identityOfRecoveryCode };
    await without(async () => {
      const mistyped = `${code.slice(0, -1)}${code.endsWith('7') ? '8' : '7'}`;
      await assert.rejects(office.restore({ into: into(), recoveryCode: mistyped }, { keys }), { code: 'usage' });
      await assert.rejects(office.restore({ into: into(), recoveryCode: other }, { keys }), {
        code: 'refused',
        message: /the recovery code: nas: this key file does not open/,
      });
      await office.restore({ into: into(), recoveryCode: code.toLowerCase(), dryRun: true }, { keys });
      noted(/opened by the recovery code/);
    });
  });

  it('comes from a ticket and shares, and the ticket is spent when all is in place', async () => {
    nas!.take(first);
    let shared = identity.stateKey;
    let spent = 0;
    const ticket: TicketWay = {
      association: () => (spent > 0 ? undefined : office.association.id),
      gatherShares: async ({ association, state, keyCheck }) => {
        assert.equal(association, office.associations.get(office.association.id));
        assert.equal(state, identity.stateId);
        assert.deepEqual(Buffer.from(keyCheck), keyCheckValue(identity.stateKey, identity.stateId));
        return shared;
      },
      spendTicket: async () => {
        spent += 1;
      },
    };
    const keys = { ageIdentity: office.ageIdentity, ticket };
    await without(async () => {
      shared = (await newIdentity()).stateKey;
      await assert.rejects(office.restore({ into: into() }, { keys }), {
        message: /that is not the key of this state/,
      });
      shared = identity.stateKey;
      const silent = {
        ...ticket,
        gatherShares: () => Promise.reject(new ResettleError('failed', 'desk is silent', { hint: 'start it' })),
      };
      await assert.rejects(
        office.restore({ into: into() }, { keys: { ...keys, ticket: silent } }),
        { code: 'failed', message: /desk is silent/, hint: 'start it' },
        'who is silent may answer the next time: not for good',
      );
      await office.restore({ into: into(), dryRun: true }, { keys });
      assert.equal(spent, 0, 'a dry run spends nothing');
      await office.restore({ into: into() }, { keys });
      assert.equal(spent, 1);
      await assert.rejects(office.restore({ into: into() }, { keys }), { code: 'refused' });
    });
  });

  it('is not opened before the machine was compared, where somebody does that', async () => {
    nas!.take(first);
    const guardMachine = (): never => {
      throw new ResettleError('refused', 'this is another machine');
    };
    const keys = { ageIdentity: 'never used' };
    await assert.rejects(office.restore({ into: into() }, { guardMachine, keys }), {
      message: 'this is another machine',
    });
  });
});
