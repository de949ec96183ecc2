/** Files of HOME and of stores: a disk may have damaged them, and some of them are another machine's. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { AssociationId, PeerIdText, StateId } from '../../../src/common/ids.ts';
import { Home } from '../../../src/node/home/home.ts';
import { KeptPairings } from '../../../src/node/pairing/kept.ts';
import { newStateInfo, parseStateInfo } from '../../../src/node/roles/point/state-info.ts';
import { type Dealt, readDealt, writeDealt } from '../../../src/node/roles/share-holder/dealt-file.ts';
import { type ShareFile, ShareFiles } from '../../../src/node/roles/share-holder/share-files.ts';
import { type Job, readJob, writeJob } from '../../../src/node/roles/source/jobs/jobs.ts';
import { type Receipt, readReceipt, writeReceipt } from '../../../src/node/roles/source/safety/receipts.ts';
import { readSourceState, type SourceState, writeSourceState } from '../../../src/node/roles/source/source-state.ts';
import { signerOf, statementOf } from '../../../src/protocols/pair/statement.ts';
import { readOutcome } from '../../../src/state/areas/checklist/outcome.ts';
import { Journal } from '../../../src/state/areas/transaction/journal.ts';
import { canUndoAreas, readAreasOutcome } from '../../../src/state/areas/transaction/outcome.ts';
import { DecisionWriter, readDecisions } from '../../../src/state/restore/decision-log.ts';
import { unfinishedRecord } from '../../../src/state/restore/target.ts';
import { readUndoRecord, writeUndoRecord } from '../../../src/state/restore/undo-record.ts';
import { PlanFolder } from '../../../src/state/send/plan-folder.ts';
import { Layout } from '../../../src/state/store/layout.ts';
import { openStore } from '../../../src/state/store/open-store.ts';
import type { Random } from '../../faults/scenario.ts';
import { type Target, target } from '../target.ts';
import { MADE_UP, somePeer } from './fleet.ts';
import { count, flag, hashHex, hex, listOf, orNull, someBytes, word } from './some.ts';

const ASSOCIATION = 'ab'.repeat(32) as AssociationId;
const STATE = 'cd'.repeat(32) as StateId;

/** HOME with one file, in memory: the file is what is fuzzed, not the disk. */
class OneFile {
  bytes: Uint8Array = new Uint8Array(0);
  read(): Buffer {
    return Buffer.from(this.bytes);
  }
  write(bytes: Uint8Array | string): void {
    this.bytes = Buffer.from(bytes as string);
  }
  list(): string[] {
    return [];
  }
  path(...names: string[]): string {
    return names.join('/');
  }
}

interface FileOf<T> {
  readonly write: (home: Home, value: T) => void;
  readonly read: (home: Home) => T | undefined;
  readonly make: (random: Random) => T;
}

function homeFile<T>(name: string, { write, read, make }: FileOf<T>): Target {
  const written = (value: T): Uint8Array => {
    const home = new OneFile();
    write(home as unknown as Home, value);
    return home.bytes;
  };
  return target<T | undefined>({
    ...{ name, shape: 'json', refusals: ['damaged'] },
    valid: (random) => written(make(random)),
    decode: (bytes) => {
      const home = new OneFile();
      home.bytes = bytes;
      return read(home as unknown as Home);
    },
    encode: (value) => written(value as T),
  });
}

const sourceState = (random: Random): SourceState => ({
  ...{
    stateId: hashHex(random) as StateId,
    key: new Uint8Array(random.bytes(32)),
    recipients: ['age1x', 'passphrase'],
    signed: 9 + random.integer(9),
  },
  ...{ snapshot: random.integer(9), descriptor: flag(random) ? new Uint8Array(random.bytes(32)) : undefined },
  places: listOf(random, 3, () => ({ cache: hex(random, 8), points: [somePeer(random)] })),
});

const receipt = (random: Random): Receipt => ({
  ...{ association: ASSOCIATION, state: hashHex(random) as StateId, snapshot: 1 + random.integer(9) },
  ...{ descriptorHash: hashHex(random), bytes: count(random), skipped: random.integer(9) },
  ...{ machine: orNull(random, () => new Uint8Array(random.bytes(17))), points: [somePeer(random)] },
  shares: orNull(random, () => ({
    ...{ needed: 2, total: 3, atMs: count(random) },
    holders: [{ peerId: somePeer(random), proof: hashHex(random) }],
  })),
  reads: listOf(random, 2, () => ({
    peerId: somePeer(random),
    atMs: count(random),
    packs: new Uint8Array(random.bytes(3)),
  })),
  trial: orNull(random, () => ({ peers: [somePeer(random)], saidAtMs: count(random), learnedAtMs: count(random) })),
});

const share = (random: Random) => ({ deal: new Uint8Array(random.bytes(99)), share: new Uint8Array(random.bytes(40)) });
const scratch = mkdtempSync(join(tmpdir(), 'resettle-fuzz-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

/** Readers that take a folder, with the one file of it that the input is. */
function inFolder(
  name: string,
  file: string,
  valid: Target['valid'],
  read: (folder: string) => unknown,
  more: Partial<Target> = {},
) {
  const folder = join(scratch, name);
  const path = join(folder, file);
  mkdirSync(dirname(path), { recursive: true });
  return target({
    ...{ name, shape: 'json', refusals: ['damaged'], weight: 0.3, valid, ...more },
    decode: (bytes) => {
      writeFileSync(path, bytes);
      return read(folder);
    },
  });
}

const json = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value)}\n`);
const undoRecord = (random: Random) => ({
  ...{
    format: 1 as const,
    restore: '20260101-1',
    state: STATE,
    snapshot: 1,
    target: '/home/ann',
    isNewTarget: flag(random),
  },
  ...{ targetTimeNs: '-1234', journal: `.resettle-restore-${'a'.repeat(32)}`, machine: word(random) },
  ...{
    restoredAt: '2026-01-01T00:00:00Z',
    status: random.pick(['running', 'done', 'undone'] as const),
    preImages: null,
  },
});

const wish = {
  root: '/',
  areas: ['network'],
  asked: [],
  identity: 'new',
  allowPrivileged: false,
  mapUsers: [],
  nowMs: 1,
};
const item = { area: 'network', id: 'x:y', title: 'x', action: 'add', detail: 'y', effect: 'network' };
const outcome = () =>
  json({
    format: 1,
    wish,
    owners: {},
    items: [item],
    status: 'applied',
    times: {},
    result: { failed: [], notWoken: [] },
  });

const PRESENT = { kind: 'file', mode: 420, uid: 0, gid: 0, size: 3, hash: 'ab'.repeat(32) };
const step = {
  number: 0,
  phase: 'before',
  path: '/etc/x',
  before: { kind: 'absent' },
  layers: [{ area: 'network', made: PRESENT }],
};
const journalPlan = () =>
  json({ format: 1, token: 'abc', steps: [step], folders: { '/etc': { mode: 493, uid: 0, gid: 0 } } });
const log = (random: Random) =>
  Buffer.from(
    listOf(random, 6, () =>
      random.pick([
        { did: 'late', found: [[0, PRESENT]] },
        { did: 'intent', phase: 'before', times: [['/etc', '1']] },
        { did: 'step', step: 0 },
        { did: 'halt', phase: 'before', notBegun: [0] },
        { did: 'back', areas: ['network'] },
        { did: 'stopping', units: ['cups.service'] },
        { did: 'undo', changed: [] },
      ]),
    )
      .map((entry) => `${JSON.stringify(entry)}\n`)
      .join(''),
  );

function openJournal(folder: string): unknown {
  const journal = Journal.open(folder);
  if (!journal) return undefined;
  const { steps } = journal.plan;
  return [steps.map((one) => journal.beforeOf(one)), journal.dir];
}

function journalTarget(name: string, file: string, valid: Target['valid'], more: Partial<Target> = {}): Target {
  const made = inFolder(name, `areas/${file}`, valid, openJournal, more);
  const folder = join(scratch, name, 'areas');
  writeFileSync(join(folder, 'outcome.json'), outcome());
  writeFileSync(join(folder, 'plan.json'), journalPlan());
  writeFileSync(join(folder, 'log'), '');
  return made;
}

const metadata = (random: Random) => ({
  mode: 0o755,
  uid: 1000,
  gid: random.integer(9999),
  mtimeNs: BigInt(count(random)),
});

function decisions(random: Random): Buffer {
  const path = join(scratch, 'decisions-made');
  const writer = new DecisionWriter(path);
  for (let left = random.integer(5); left > 0; left--) {
    const name = Buffer.from(word(random));
    if (flag(random)) {
      const former = { ...metadata(random), flags: 0, xattrs: [{ name, value: someBytes(random, 9) }] };
      const [given, before] = [flag(random) ? metadata(random) : undefined, flag(random) ? former : undefined];
      writer.folder({ kind: 'folder', action: 'merge', name, parent: 0, isBase: flag(random), given, former: before });
    } else {
      const about = { sizeBytes: count(random), mtimeNs: BigInt(count(random)), group: random.integer(3) };
      writer.item({
        kind: random.pick(['file', 'symlink', 'fifo'] as const),
        action: 'replace',
        name,
        folder: 0,
        ...about,
      });
    }
  }
  writer.seal();
  return readFileSync(path);
}

const PAIRING = 'ab'.repeat(8);
const CLOCK = { now: () => 1000, monotonicMs: () => 0 };

/** A pairing that both of its machines signed. */
function pairing(random: Random): Buffer {
  const [own, other] = [MADE_UP.ann.key, MADE_UP.operator.key];
  const ends = { initiator: MADE_UP.operator.peerId, responder: MADE_UP.ann.peerId };
  const record = { purpose: 'send' as const, ...ends, session: new Uint8Array(64).fill(1) };
  const statement = statementOf(record);
  const signatures = { initiator: signerOf(other).sign(statement), responder: signerOf(own).sign(statement) };
  const home = new Home(join(scratch, 'pairing-made'));
  const folder = new KeptPairings(home, CLOCK).hold(PAIRING);
  folder.save({
    ...{ id: PAIRING, role: 'sender', madeAtMs: 1000, privateKey: own, record: { ...record, signatures } },
    ...{ remote: ends.initiator, remoteAbout: someBytes(random, 40), addresses: ['/ip4/127.0.0.1/tcp/1'] },
    ...{ paths: ['/home'], areas: [], notTaken: 0, state: STATE, stateKey: new Uint8Array(32), port: 4001 },
  });
  folder.release();
  return home.read('pairings', PAIRING, 'pairing.json')!;
}

function readPairing(bytes: Uint8Array): unknown {
  const home = new OneFile();
  home.bytes = bytes;
  return new KeptPairings(home as unknown as Home, CLOCK).load(PAIRING).remote;
}

export const HOME_FILES: readonly Target[] = [
  homeFile<SourceState>('source-state', {
    make: sourceState,
    write: (home, value) => writeSourceState(home, ASSOCIATION, value),
    read: (home) => readSourceState(home, ASSOCIATION),
  }),
  homeFile<Receipt>('receipt', {
    make: receipt,
    write: (home, value) => writeReceipt(home, value),
    read: (home) => readReceipt(home, ASSOCIATION),
  }),
  homeFile<Job>('job', {
    make: (random) => ({
      ...{ association: hashHex(random) as AssociationId, paths: ['/home'], areas: [], root: '/', start: flag(random) },
      ...{
        createdAtMs: count(random),
        ended: orNull(random, () => ({ code: 'failed' as const, message: word(random) })),
      },
    }),
    write: (home, value) => writeJob(home, value),
    read: (home) => readJob(home, ASSOCIATION),
  }),
  homeFile<Dealt>('dealt', {
    make: (random) => ({
      ...{
        state: STATE,
        deal: new Uint8Array(random.bytes(40)),
        sealedHash: hashHex(random),
        keyCheck: hex(random, 16),
      },
      shares: listOf(random, 3, () => ({
        peer: somePeer(random) as PeerIdText,
        share: new Uint8Array(random.bytes(20)),
      })),
      retired: listOf(random, 3, () => ({ peer: somePeer(random) as PeerIdText, deal: hex(random, 16) })),
    }),
    write: (home, value) => writeDealt(home, ASSOCIATION, value),
    read: (home) => readDealt(home, ASSOCIATION),
  }),
  homeFile<ShareFile>('share-file', {
    make: (random) => ({
      ...{
        association: ASSOCIATION,
        state: STATE,
        source: somePeer(random),
        settled: orNull(random, () => share(random)),
      },
      ...{ pending: orNull(random, () => share(random)), releasedTo: orNull(random, () => somePeer(random)) },
    }),
    write: (home, value) => new ShareFiles(home).write(value),
    read: (home) => new ShareFiles(home).read(ASSOCIATION, STATE),
  }),
  target({
    ...{ name: 'state-info', shape: 'json', refusals: [] },
    valid: () => json(newStateInfo(STATE, ASSOCIATION, 'x' as PeerIdText)),
    decode: (bytes) => {
      try {
        return parseStateInfo(JSON.parse(Buffer.from(bytes).toString('utf8')));
      } catch (error) {
        // The store reads the JSON, and takes what is none for nothing.
        if (error instanceof SyntaxError) return undefined;
        throw error;
      }
    },
    encode: (info) => json(info ?? null),
  }),
  target({
    ...{ name: 'kept-pairing', shape: 'json', refusals: ['damaged', 'refused'], weight: 0.1 },
    valid: pairing,
    decode: readPairing,
  }),
  inFolder('undo-record', 'restore.json', (random) => json(undoRecord(random)), undoOf),
  inFolder('areas-outcome', 'areas/outcome.json', outcome, (folder) => [
    readAreasOutcome(folder)?.status,
    canUndoAreas(folder),
  ]),
  inFolder('checklist-outcome', 'outcome.json', outcome, readOutcome),
  journalTarget('areas-plan', 'plan.json', journalPlan),
  journalTarget('areas-log', 'log', log, { shape: 'lines' }),
  inFolder('decision-log', 'plan', decisions, (folder) => [...readDecisions(join(folder, 'plan'))].length, {
    shape: 'bytes',
  }),
  inFolder(
    'restore-journal',
    `.resettle-restore-${'ab'.repeat(16)}/journal.json`,
    () =>
      json({
        format: 1,
        state: STATE,
        snapshot: 1,
        descriptor: 'ab'.repeat(32),
        restore: '1',
        undo: true,
        options: '[]',
      }),
    (folder) => unfinishedRecord(folder, 'ab'.repeat(32)),
  ),
  inFolder(
    'plan-summary',
    'summary',
    () => json({ bytes: 1, skipped: { count: 0, items: [] }, excluded: [] }),
    (folder) => new PlanFolder(folder).readSummary(),
  ),
  inFolder(
    'store-marker',
    'resettle.json',
    () => json({ format: 1, store: 'ab'.repeat(32) }),
    (folder) => openStore(new Layout(folder), 'read').id,
  ),
];

function undoOf(folder: string): unknown {
  const record = readUndoRecord(folder);
  if (record) writeUndoRecord(join(scratch, 'undo-record'), record);
  return record;
}
