import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { identityToRecipient } from 'age-encryption';
import { systemClock } from '../../src/common/clock.ts';
import { type AssociationId, associationId } from '../../src/common/ids.ts';
import { NO_FACTS } from '../../src/node/hardware/facts.ts';
import { machineClaim } from '../../src/node/hardware/index.ts';
import { Home } from '../../src/node/home/home.ts';
import { Fleet } from '../../src/node/membership/fleet.ts';
import { TicketWay } from '../../src/node/roles/share-holder/index.ts';
import { makeTicketKey } from '../../src/state/keys/index.ts';
import { admitAndStore, plainAssociation } from '../../src/state/records/index.ts';

const dir = mkdtempSync(join(tmpdir(), 'resettle-tickets-'));
const opened = new Set<Fleet>();
after(() => {
  for (const fleet of opened) fleet.close();
  rmSync(dir, { recursive: true, force: true });
});
const DAY_MS = 86_400_000;

async function open(name: string, macs: readonly string[] = []): Promise<Fleet> {
  const fleet = await Fleet.open({
    home: new Home(join(dir, name)),
    clock: systemClock,
    random: (count) => randomBytes(count),
    name,
    hardware: { read: () => ({ ...NO_FACTS, macs }) },
  });
  opened.add(fleet);
  return fleet;
}

/** What `hello` does between a new machine and a member that is online. */
async function joinBy(boss: Fleet, newcomer: Fleet, token: string, acceptsOperators = false): Promise<boolean> {
  await newcomer.stageJoin(token, acceptsOperators);
  const pending = (await newcomer.pendingJoin())!;
  const request = await newcomer.joinRequest(pending, newcomer.memberBody());
  const { peerId } = newcomer.identity;
  await admitAndStore(boss.log, request, { remote: peerId, now: systemClock.now() });
  return await newcomer.admitted(pending, boss.log.credential(peerId), request.member);
}

async function inPlace(source: Fleet, boss: Fleet, nonce = '0a'): Promise<AssociationId> {
  const key = await makeTicketKey([await identityToRecipient(boss.identity.ageIdentity)]);
  const parties = {
    source: source.identity.peerId,
    destination: null,
    mode: 'in-place',
    nonce: nonce.repeat(16),
  } as const;
  const record = await source.log.append({
    ...plainAssociation(parties),
    ticketRecipient: key.recipient,
    ticketSealed: key.sealed,
  });
  await boss.log.insert([record.envelope]);
  return associationId(record.hash);
}

const office = async (name: string): Promise<{ boss: Fleet; ann: Fleet }> => {
  const boss = await open(`${name}-boss`);
  await boss.init({ name });
  const ann = await open(`${name}-ann`, ['a4:bb:6d:01:02:03']);
  const { token } = await boss.invite({ expiresMs: DAY_MS, uses: 1, role: 'member' });
  assert.ok(await joinBy(boss, ann, token));
  return { boss, ann };
};

test('a ticket is kept by the machine that joined with it until it is spent; another invite is erased', async () => {
  const { boss, ann } = await office('kept');
  assert.equal(ann.ticket, undefined);
  assert.ok(!existsSync(join(dir, 'kept-ann', 'ticket.token')));
  const id = await inPlace(ann, boss);
  const [ticket] = await boss.tickets(['kept-ann'], DAY_MS);
  assert.equal(ticket!.association, id);
  assert.equal(ticket!.machineName, 'kept-ann');
  const fresh = await open('kept-fresh');
  assert.equal((await fresh.stageJoin(ticket!.token)).association, id);
  assert.ok(await joinBy(boss, fresh, ticket!.token));
  const file = join(dir, 'kept-fresh', 'ticket.token');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.ok(!existsSync(join(dir, 'kept-fresh', 'invite.token')));
  assert.equal(boss.log.roster().associations.get(id)!.destination, fresh.identity.peerId);

  fresh.close();
  opened.delete(fresh);
  const again = await open('kept-fresh');
  const way = new TicketWay({ fleet: boss.log as never, own: again, ageIdentity: again.identity.ageIdentity });
  assert.equal(way.association(), id);
  await way.spendTicket();
  assert.ok(!existsSync(file));
  assert.equal(way.association(), undefined);
  const wish = {
    association: boss.log.roster().associations.get(id)!,
    state: 'ab'.repeat(32) as never,
    keyCheck: new Uint8Array(16),
  };
  await assert.rejects(way.gatherShares(wish, new AbortController().signal), { code: 'refused' });

  await assert.rejects(boss.tickets(['kept-ann'], DAY_MS), (error) => /already/.test(String(error)));
  const late = await open('kept-late');
  await assert.rejects(joinBy(boss, late, ticket!.token), { code: 'bad-invite' });
});

test('a damaged ticket file is named when the agent starts', async () => {
  const home = new Home(join(dir, 'damaged'));
  writeFileSync(home.path('ticket.token'), 'resettle-invite-1.abc');
  await assert.rejects(open('damaged'), (error) => /ticket\.token is damaged/.test(String(error)));
});

test('which association a ticket is for is said by its id, the beginning of it, or the machine', async () => {
  const { boss, ann } = await office('which');
  const id = await inPlace(ann, boss);
  for (const text of [id, id.slice(0, 8), 'which-ann', ann.identity.peerId, ann.identity.peerId.slice(0, 20)]) {
    assert.equal((await boss.tickets([text], DAY_MS))[0]!.association, id, text);
  }
  for (const text of [id.slice(0, 7), 'nobody', 'which-boss', 'ff'.repeat(32), '12D3']) {
    await assert.rejects(boss.tickets([text], DAY_MS), { code: 'not-found' }, text);
  }
  await assert.rejects(boss.tickets([id, 'nobody'], DAY_MS), { code: 'not-found' }, 'all or none');
  const other = await inPlace(ann, boss, '0b');
  await assert.rejects(boss.tickets(['which-ann'], DAY_MS), { code: 'ambiguous' });
  assert.equal((await boss.tickets([other], DAY_MS))[0]!.association, other);
  await boss.log.insert([(await ann.log.append({ type: 'ending', association: id })).envelope]);
  assert.equal((await boss.tickets(['which-ann'], DAY_MS))[0]!.association, other, 'the one that has not ended');
  assert.equal((await boss.tickets([id], DAY_MS))[0]!.association, id, 'one that has ended can still be restored');
});

test('members make no tickets, and an operator to whom the ticket key was not sealed makes none', async () => {
  const { boss, ann } = await office('who');
  const id = await inPlace(ann, boss);
  await assert.rejects(ann.tickets([id], DAY_MS), { code: 'refused' });
  const sealedToAnn = await inPlace(ann, ann, '0c');
  await boss.log.insert([ann.log.envelopeOf(sealedToAnn as never)!]);
  await assert.rejects(boss.tickets([sealedToAnn], DAY_MS), (error) => /does not open/.test(String(error)));
});

test('consent to operators is given at the join, or later, and never by default', async () => {
  const { boss, ann } = await office('consent');
  const consentOf = (fleet: Fleet): boolean => boss.log.roster().members.get(fleet.identity.peerId)!.acceptsOperators;
  assert.equal(consentOf(ann), false);
  const bob = await open('consent-bob');
  const { token } = await boss.invite({ expiresMs: DAY_MS, uses: 1, role: 'member' });
  assert.ok(await joinBy(boss, bob, token, true));
  assert.equal(consentOf(bob), true);
  assert.ok(!existsSync(join(dir, 'consent-bob', 'consent')));
  await bob.setConsent(false);
  await ann.setConsent(true);
  for (const fleet of [ann, bob]) await boss.log.insert([...fleet.log.records()].map(({ envelope }) => envelope));
  assert.equal(consentOf(ann), true);
  assert.equal(consentOf(bob), false);
  const before = [...ann.log.records()].length;
  await ann.setConsent(true);
  assert.equal([...ann.log.records()].length, before, 'what was said already is not said again');
  const alone = await open('consent-alone');
  await assert.rejects(alone.setConsent(true), { code: 'not-a-member' });
});

test('what a machine claims to run on is in its record from the join on', async () => {
  const { boss, ann } = await office('claim');
  const { machine } = boss.log.roster().members.get(ann.identity.peerId)!;
  assert.equal(machine, machineClaim({ ...NO_FACTS, macs: ['a4:bb:6d:01:02:03'] }, boss.log.fleetId!));
  assert.equal(boss.log.roster().members.get(boss.identity.peerId)!.machine, null);
});
