/**
 * Named places between two steps, where a test can make the process die, stop or fail. Switched off, as always but in
 * tests, passing one is a look at a variable.
 *
 * `RESETTLE_FAILPOINT=NAME[:COUNT[:ACTION]]` arms one: at the COUNT-th time (1) that a thread passes NAME, or any
 * (`*`). ACTION: `kill` (SIGKILL, the default), `stop` (SIGSTOP), `fail` (EIO is thrown).
 * `RESETTLE_FAILPOINT_LOG=FILE` adds the name of each one that is passed to FILE.
 */
import { appendFileSync } from 'node:fs';

/** Every failpoint, and what has been done and what has not where it stands. */
export const FAILPOINTS = {
  // A store.
  'store.folders-made': 'a new store has its folders, and no resettle.json',
  'store.tmp-emptied': 'a store is locked and its tmp is empty; nothing else was done',
  'store.file-written': 'a file of a store is written and synced under another name, and not in its place',
  'store.file-renamed': 'a file of a store is in its place, and its folder is not synced',
  'store.state-folder-made': 'a state has some of its folders',
  'store.pack-stored': 'a pack is in its place; a damaged one of that name is set aside still',
  'store.set-aside': 'something damaged is out of its place, which is not synced, nor noted anywhere',
  'store.snapshot-dropped': 'a descriptor is gone, its folder is not synced, its packs are there',
  'store.pack-dropped': 'a pack that nothing names is gone, others are there',
  'store.snapshots-deleted': 'a state that is deleted has no descriptor, and all its packs',
  'store.state-deleted': 'a state is gone, and the folder above is not synced',
  'prune.snapshots-dropped': 'what is not kept has no descriptor, and all its packs',
  // HOME, and what a fleet knows.
  'home.file-written': 'a file of HOME is written and synced beside its place',
  'home.file-renamed': 'a file of HOME is in its place, and its folder is not synced',
  'records.added': 'records are in an open transaction',
  'records.committed': 'records are durable, and nobody was told',
  // A point.
  'lease.granted': 'room is reserved in memory, and state.json does not say so',
  'lease.noted': 'state.json has the lease, and its owner does not know',
  'lease.given-up': 'a lease is forgotten in memory, and stands in state.json',
  'lease.leftovers-dropped': 'what a capture left unfinished is gone, and state.json says that it is there',
  'point.pack-accepted': 'a pack is durable, and its sender does not know',
  'commit.checked': 'every pack of a snapshot was looked at, and nothing is written',
  'commit.part-noted': 'state.json says which packs of a snapshot this point has, and there are no keys',
  'commit.keys-written': 'key files are in their places, and there is no descriptor',
  'commit.descriptor-written': 'a snapshot is there, and state.json has the lease still',
  'commit.lease-ended': 'a snapshot is there, and no receipt is signed',
  'commit.receipt-signed': 'a receipt is signed, and the source does not know',
  'commit.key-added': 'a key for a destination that was named later is there, and the source does not know',
  'scrub.set-aside': 'a scrub took a damaged pack out of its place, and noted nothing',
  'scrub.read': 'a scrub has read everything, and state.json does not say so',
  'scrub.noted': 'state.json says what a scrub found, and no repair is begun',
  'repair.fetched': 'a pack is there again, and nothing says so',
  'repair.noted': 'state.json says that a state is whole again, and its receipt does not',
  'copy.reserved': 'another point has reserved room for a copy, and got nothing',
  'copy.sent': 'another point has all packs of a copy, and no descriptor',
  'copy.made': 'another point has a copy, and this one has signed nothing of it',
  'deletion.decided': 'point.json says that a state is to go, and it is there',
  'deletion.done': 'a state is gone, and its deletion is not signed',
  'deletion.signed': 'a deletion is signed, and point.json has it still',
  // A source.
  'source.associated': 'an association is signed, and the key of its state is not kept',
  'source.place-noted': 'HOME says where packs are about to go, and none was sent',
  'source.sent': 'all packs are sent, and nothing is signed',
  'source.signed': 'a descriptor is signed, and no point has it',
  'source.point-committed': 'a point has the snapshot, and HOME does not say so',
  'source.committed': 'every point has the snapshot, and HOME does not say so',
  'source.snapshot-noted': 'HOME has the number of the snapshot, and the stat cache is not committed',
  'source.receipt-descriptor-kept': 'HOME has the descriptor of a new receipt, and the receipt before',
  'source.key-added': 'a holder has a new key, and HOME does not say so',
  'cache.filled': 'a stat cache has an open transaction',
  'cache.committed': 'a stat cache is committed, and nothing else was done',
  'job.noted': 'HOME has a job, and nobody was told',
  'job.done': 'a job is done, and HOME has it still',
  'folder.begun': 'a store in a folder has the state, and no pack of this capture',
  'folder.sealed': 'a store in a folder has all packs, and no key',
  'folder.keys-written': 'a store in a folder has all packs and a key, and no descriptor',
  'folder.committed': 'a store in a folder has the snapshot, and HOME does not say so',
  'folder.snapshot-noted': 'HOME has the number of the snapshot, and the stat cache is not committed',
  // Shares of a key.
  'share.given': 'every holder has its share, and the source has not noted the deal',
  'share.deal-noted': 'the source has noted a deal, and no holder knows that it counts',
  'share.kept': 'a holder has a share, and has signed nothing of it',
  'share.release-noted': 'a holder has noted to whom a share goes, and nothing left it',
  // A restore of files.
  'restore.record-written': 'restore.json is written beside its place',
  'restore.record-renamed': 'restore.json is in its place',
  'restore.target-opened': 'the target is there, made where it was not',
  'restore.journal-made': 'the journal is an empty folder',
  'restore.journal-written': 'the journal has its record, and is not synced',
  'restore.plan-written': 'the plan is whole and synced beside its place',
  'restore.plan-sealed': 'the plan is in its place, and nothing is changed',
  'restore.folder-made': 'a folder is made, closed to others',
  'restore.other-name-noted': 'an item has another name in plan.more, and is not there',
  'restore.pre-image-linked': 'what is replaced has a second name',
  'restore.pre-image-moved': 'what is replaced is among the pre-images, and its place is free',
  'restore.part-written': 'a large file has some of its bytes, beside the tree',
  'restore.file-whole': 'a file is whole beside the tree',
  'restore.node-made': 'a link, FIFO or device is made beside the tree',
  'restore.item-placed': 'an item is in its place',
  'restore.file-locked': 'a file is marked as immutable',
  'restore.places-cleared': 'temporary folders outside the journal are gone, folders are not finished',
  'restore.folder-finished': 'a folder has its metadata, and those above it have not',
  'restore.synced': 'everything is in its place and synced, and the journal is there',
  'restore.journal-emptied': 'the journal has its record only',
  'restore.journal-record-removed': 'the journal is an empty folder, after all was done',
  'restore.journal-removed': 'the journal is gone, and the target is not synced',
  'restore.done': 'restore.json says "done", and the journal is in the target still',
  'restore.target-finished': 'the journal is gone and the target finished, and nobody was told',
  'undo.item-removed': 'an item that was restored is gone',
  'undo.item-put-back': 'an item that was replaced is back',
  'undo.item-cleared': 'the place of a folder that was replaced is free',
  'undo.folder-removed': 'a folder that was made is gone',
  'undo.folder-given-back': 'a folder has its metadata of before',
  'undo.target-given-back': 'everything is as before, and not synced',
  'undo.synced': 'everything is as before, and pre-images may have a folder still',
  'undo.target-left': 'everything is as before, and restore.json does not say so',
  'undo.noted': 'restore.json says "undone", and the plan is there',
  'undo.noted-whole': 'undone.json says that all parts of a restore are undone, and what it kept is there',
  'undo.done': 'all of a restore is gone but undone.json, and nobody was told',
  // A restore of areas.
  'areas.plan-written': 'the plan of areas is written and synced, and nothing says that it counts',
  'areas.file-written': 'outcome.json or plan.json is written and synced beside its place',
  'areas.file-renamed': 'outcome.json or plan.json is in its place, and its folder is not synced',
  'areas.staged': 'everything is staged, and the machine is as it was',
  'areas.intent-noted': 'the log says that a phase begins, and nothing is changed',
  'areas.step-prepared': 'a file is whole beside its place',
  'areas.step-noted': 'the log says that a step is about to be done',
  'areas.step-done': 'a step is done',
  'areas.phase-synced': 'a phase is done and synced, and the log does not say so',
  'areas.phase-noted': 'the log says that a phase is done',
  'areas.committing': 'everything is as planned, and the outcome is not "applied"',
  'areas.applied': 'the outcome is "applied", and contents are staged still',
  'areas.step-put-back': 'a step is put back',
  'areas.phase-put-back': 'a phase is put back, and the log says so',
  'areas.put-back': 'everything is put back, and the outcome does not say so',
  'areas.put-back-noted': 'the outcome says that all is put back, and contents are kept still',
  // A direct move.
  'send.summary-written': 'a plan has its packs and its summary, and no descriptor',
  'send.descriptor-written': 'a plan is whole, and nobody was asked',
  'receive.piece-written': 'a piece of a large file has come',
  'receive.file-placed': 'a file that came is in its place, and counts as wanted',
  'pairing.keys-removed': 'the keys of a pairing are gone, and its folder is there',
} as const satisfies Record<string, string>;

export type Failpoint = keyof typeof FAILPOINTS;

const SPEC = /^(?<name>\*|[a-z-]+\.[a-z-]+)(?::(?<count>[1-9]\d{0,8})(?::(?<action>kill|stop|fail))?)?$/;
const pass = armed(process.env);

/** Marks the place. Returns at once unless a test has armed it. */
export function failpoint(name: Failpoint): void {
  if (pass !== undefined) pass(name);
}

function armed(env: NodeJS.ProcessEnv): ((name: Failpoint) => void) | undefined {
  const { RESETTLE_FAILPOINT: spec, RESETTLE_FAILPOINT_LOG: log } = env;
  if (spec === undefined && log === undefined) return undefined;
  const { name, count = '1', action = 'kill' } = spec === undefined ? {} : (SPEC.exec(spec)?.groups ?? {});
  if (spec !== undefined && (name === undefined || (name !== '*' && !(name in FAILPOINTS)))) {
    throw new Error(`RESETTLE_FAILPOINT=${spec}: there is no such failpoint`);
  }
  let left = Number(count);
  return (passed) => {
    if (log !== undefined) appendFileSync(log, `${passed}\n`);
    if (name !== '*' && name !== passed) return;
    left -= 1;
    if (left === 0) act(passed, action);
  };
}

function act(name: string, action: string): void {
  if (action === 'fail')
    throw Object.assign(new Error(`EIO: failpoint ${name}`), { code: 'EIO', syscall: 'failpoint' });
  process.kill(process.pid, action === 'stop' ? 'SIGSTOP' : 'SIGKILL');
}
