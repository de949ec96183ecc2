import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import fc from 'fast-check';
import { ResettleError } from '../../src/common/errors.ts';
import { RECORDS_COMPARED_MAX, RECORDS_LISTED_PER_MESSAGE_MAX } from '../../src/common/limits.ts';
import { type Ask, haveSame, reconcile } from '../../src/protocols/records/client.ts';
import { KIND, LISTED_BYTES, RecordsAnswer, RecordsRequest } from '../../src/protocols/records/messages.ts';
import { answerRecords } from '../../src/protocols/records/server.ts';
import { RecordLog } from '../../src/state/records/index.ts';
import { runs } from '../support/long.ts';
import { memberBody, membershipRecords, populationOf, sign } from '../support/simulated/population.ts';

const MEMBERS = 700;
const DEAF = { received: () => {}, agreed: () => {} };
const clock = { now: () => Date.UTC(2026, 0, 1), monotonicMs: () => 0 };

let fleetId: Awaited<ReturnType<typeof populationOf>>['fleetId'];
let people: Awaited<ReturnType<typeof populationOf>>['members'];
const envelopes: Uint8Array[] = [];
/** More records than one branch lists, so that the tree is gone down. */
let full: RecordLog;

before(async () => {
  const population = await populationOf(MEMBERS);
  fleetId = population.fleetId;
  people = population.members;
  for await (const envelope of membershipRecords(population)) envelopes.push(envelope);
  full = await logWith(envelopes);
});

async function logWith(some: readonly Uint8Array[]): Promise<RecordLog> {
  const random = (count: number): Uint8Array => new Uint8Array(count).fill(3);
  const log = await RecordLog.open({ path: ':memory:', privateKey: people[0]!.key, clock, random });
  log.joinFleet(fleetId);
  for (let at = 0; at < some.length; at += 256) await log.insert(some.slice(at, at + 256));
  return log;
}

/** What goes over the wire is encoded and decoded, and counted. */
function honest(log: RecordLog): { ask: Ask; count: () => number } {
  let asked = 0;
  const ask: Ask = async (request) => {
    asked += 1;
    const decoded = RecordsRequest.decode(RecordsRequest.encode(request));
    return RecordsAnswer.decode(RecordsAnswer.encode(await answerRecords(log, decoded, 'peer', DEAF)));
  };
  return { ask, count: () => asked };
}

describe('reconciliation of real logs', () => {
  it('makes two logs equal whose records differ anywhere', async () => {
    const fresh = await logWith([]);
    const other = honest(full);
    assert.equal((await reconcile(other.ask, fresh, 'peer')).added, envelopes.length);
    assert.ok(await haveSame(other.ask, fresh));
    assert.ok(other.count() <= 5 + envelopes.length / 100, `${other.count()} questions`);
    fresh.close();
  });

  it('of one new record among many costs few questions and few bytes, and the same again costs one', async () => {
    const fresh = await logWith(envelopes);
    await fresh.insert([await sign(people[5]!, fleetId, memberBody(people[5]!, 'renamed'), Date.UTC(2026, 0, 2))]);
    let sent = 0;
    const { ask, count } = honest(full);
    const counting: Ask = async (request) => {
      const answer = await ask(request);
      sent += RecordsRequest.encode(request).length + RecordsAnswer.encode(answer).length;
      return answer;
    };
    const copy = await logWith(envelopes);
    const { ask: askCopy, count: countCopy } = honest(copy);
    const { added, given } = await reconcile(counting, fresh, 'peer');
    assert.equal(added, 0);
    assert.equal(given, 1);
    assert.ok(count() <= 4, `${count()} questions`);
    assert.ok(sent < 10_000, `${sent} bytes`);
    assert.ok(await haveSame(askCopy, await logWith(envelopes)));
    assert.equal(countCopy(), 1);
  });

  it('ends, whatever a peer answers, and takes nothing that is no record', async () => {
    const small = await logWith(envelopes.slice(0, 41));
    const root = small.summary('').fingerprint;
    const hash = fc.uint8Array({ minLength: 20, maxLength: 20 });
    const lie = fc.record({
      kind: fc.constantFrom(...Object.values(KIND), 9),
      children: fc.oneof(fc.constant(new Uint8Array(4096).fill(7)), fc.uint8Array({ maxLength: 64 })),
      listed: fc.array(hash, { maxLength: 30 }).map((list) => new Uint8Array(Buffer.concat(list))),
      records: fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 3 }),
      served: fc.nat({ max: 1000 }),
      repeats: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(lie, { minLength: 1, maxLength: 4 }), async (lies) => {
        let asked = 0;
        const ask: Ask = async (request) => {
          const { kind, children, listed, records, served, repeats } = lies[asked % lies.length]!;
          asked += 1;
          assert.ok(asked < 2000, 'it does not end');
          const branches = (request.branches ?? []).map(({ prefix }) => ({ prefix, kind, children, listed }));
          return { branches: repeats ? [...branches, ...branches] : branches, records, served };
        };
        await reconcile(ask, small, 'peer').catch((error: unknown) => {
          assert.ok(error instanceof ResettleError, String(error));
        });
        assert.deepEqual(small.summary('').fingerprint, root);
      }),
      { numRuns: runs(30, 500) },
    );
    small.close();
  });

  it('answers any request within the size of a message, and a peer gets no more than what may be passed on', async () => {
    const prefix = fc.uint8Array({ maxLength: 4 });
    const request = fc.record({
      branches: fc.array(fc.record({ prefix, fingerprint: fc.uint8Array({ maxLength: 16 }) }), {
        maxLength: RECORDS_COMPARED_MAX,
      }),
      wants: fc.array(fc.uint8Array({ maxLength: 16 }), { maxLength: 8 }),
      records: fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 3 }),
    });
    const before = full.summary('').fingerprint;
    await fc.assert(
      fc.asyncProperty(request, async (value) => {
        const answer = await answerRecords(full, RecordsRequest.decode(RecordsRequest.encode(value)), 'peer', DEAF);
        RecordsAnswer.decode(RecordsAnswer.encode(answer));
        const listed = (answer.branches ?? []).slice(0, -1).reduce((sum, branch) => sum + branch.listed.length, 0);
        assert.ok(listed / LISTED_BYTES <= RECORDS_LISTED_PER_MESSAGE_MAX);
        assert.equal(answer.records?.length ?? 0, 0, 'nobody guesses the start of a hash');
      }),
      { numRuns: runs(15, 300) },
    );
    assert.deepEqual(full.summary('').fingerprint, before);
  });
});
