import { bytesOfHex } from '../../../../common/bytes.ts';
import { failpoint } from '../../../../common/failpoint.ts';
import type { AssociationId, PackId, PeerIdText } from '../../../../common/ids.ts';
import { KEY_FILE_MAX_BYTES } from '../../../../common/limits.ts';
import type { KeyFile } from '../../../../protocols/point/messages.ts';
import { type CaptureResult, describeSnapshot } from '../../../../state/capture/index.ts';
import { openDescriptor, wrapStateKey } from '../../../../state/format/index.ts';
import { nameOf, ownMembership } from '../../../membership/machines.ts';
import type { Part } from '../../../placement/place.ts';
import { type Readers, readersOf } from '../key-holders.ts';
import type { SourceState } from '../source-state.ts';
import type { PointOfCapture, SourceOptions } from '../types.ts';
import { commitTo } from './commit-to.ts';
import type { HeldPacks } from './held-packs.ts';
import { PointLeft } from './point-left.ts';
import { packsBitmap } from './spread-sink.ts';
import { candidateOf, release, Ways } from './ways.ts';

export interface CommitSubject {
  readonly state: SourceState;
  readonly association: AssociationId;
  readonly envelope: Uint8Array;
  readonly result: CaptureResult;
  /** The points that took packs now. */
  readonly ways: Ways;
  /** Which points have packs of earlier captures. */
  readonly held: HeldPacks | undefined;
  /** Who could read it when the capture began. */
  readonly readers: Readers;
  /** Called before a snapshot of that number is sent to anybody: durable when it returns. */
  readonly onSigned: (snapshot: number) => void;
}

export interface Committed {
  readonly snapshot: number;
  readonly descriptor: Uint8Array;
  readonly descriptorHash: Uint8Array;
  readonly readers: Readers;
  readonly points: readonly PointOfCapture[];
}

const SMALL_BYTES = 64 * 1024;

/** Signs the snapshot and commits it on every point that has a pack of it, each with what it has. Throws PointLeft. */
export async function commitSnapshot(
  options: Pick<SourceOptions, 'fleet' | 'clock' | 'times' | 'privateKey'>,
  subject: CommitSubject,
  note: (message: string) => void,
  signal: AbortSignal,
): Promise<Committed> {
  const { fleet, clock, times } = options;
  const { state, result, ways, held } = subject;
  const late = await joinLate(options, subject, note, signal);
  const all = [...ways.all, ...late.all];
  const has = (peerId: PeerIdText, id: PackId): boolean =>
    ways.gave(peerId, id) || (held?.holdersOf(id).includes(peerId) ?? false);
  const holders = all.filter(({ route }) => result.packs.some(({ id }) => has(route.peerId, id)));
  const idle = all.filter((way) => !holders.includes(way));
  const newest = newestKnown(options, subject);
  const snapshot = Math.max(newest.snapshot, state.signed, ...all.map(({ route }) => route.lease.snapshot)) + 1;
  const descriptor = await describeSnapshot(result, {
    stateId: state.stateId,
    stateKey: state.key,
    association: subject.association,
    snapshot,
    previous: newest.hash,
    capturedAtNs: BigInt(clock.now()) * 1_000_000n,
    machineName: ownMembership(fleet.roster(), fleet.self).name,
    platform: `${process.platform} ${process.arch}`,
    privateKey: options.privateKey,
  });
  subject.onSigned(snapshot);
  failpoint('source.signed');
  const readers = readersNow(options, subject);
  const keys: KeyFile[] = [];
  for (const { name, recipient } of readers.holders)
    keys.push({ name, bytes: await wrapStateKey(state.key, recipient) });
  const points: PointOfCapture[] = [];
  for (const { route } of holders) {
    const own = result.packs.filter(({ id }) => has(route.peerId, id));
    const isWhole = own.length === result.packs.length;
    const packs = isWhole ? new Uint8Array(0) : packsBitmap(result.packs, (id) => has(route.peerId, id));
    await commitTo(
      route,
      {
        state: state.stateId,
        commit: { snapshot, descriptor, keys, packs },
        packBytes: result.newBytes,
        clock,
        note,
        reconnectMs: times?.reconnectMs,
        reconnectFirstMs: times?.reconnectFirstMs,
      },
      signal,
    );
    failpoint('source.point-committed');
    points.push({ peerId: route.peerId, name: route.name, bytes: own.reduce((sum, pack) => sum + pack.sizeBytes, 0) });
  }
  await release(idle.map((way) => ({ part: way.part, way })));
  const { descriptorHash } = await openDescriptor(descriptor);
  return { snapshot, descriptor, descriptorHash, readers, points };
}

/** Points of a spread state that got nothing new this time: they need the descriptor, and a small lease for it. */
async function joinLate(
  options: Pick<SourceOptions, 'fleet' | 'clock' | 'times'>,
  { ways, held, result, state, envelope, readers }: CommitSubject,
  note: (message: string) => void,
  signal: AbortSignal,
): Promise<Ways> {
  const { fleet } = options;
  const earlier = new Set(result.packs.flatMap(({ id }) => held?.holdersOf(id) ?? []));
  const parts: Part[] = [];
  for (const peerId of earlier) {
    if (ways.all.some(({ part }) => part.candidate.peerId === peerId)) continue;
    const candidate = candidateOf(fleet, peerId, nameOf(fleet.roster(), peerId));
    const bytes = SMALL_BYTES + readers.holders.length * KEY_FILE_MAX_BYTES;
    const wish = { association: envelope, state: state.stateId, bytes, copy: false };
    try {
      const { client } = await candidate.connect(signal);
      parts.push({ candidate, client, lease: await client.reserve(wish, signal), bytes });
    } catch (error) {
      signal.throwIfAborted();
      throw new PointLeft(peerId, candidate.name, error);
    }
  }
  return new Ways(options, parts, { state: state.stateId, association: envelope, note });
}

/** The newest snapshot that this HOME or anybody's record knows of: a HOME from a backup gives no number twice. */
function newestKnown(
  { fleet }: Pick<SourceOptions, 'fleet'>,
  { state, association }: CommitSubject,
): { readonly snapshot: number; readonly hash: Uint8Array | undefined } {
  let newest: { snapshot: number; hash: Uint8Array | undefined } = { snapshot: state.snapshot, hash: state.descriptor };
  for (const { body } of fleet.events(association)) {
    const isAbout = body.state === state.stateId && (body.step === 'commit' || body.step === 'holder');
    if (!isAbout || body.snapshot <= newest.snapshot) continue;
    newest = { snapshot: body.snapshot, hash: body.descriptorHash ? bytesOfHex(body.descriptorHash) : undefined };
  }
  return newest;
}

/** A destination that was named while the packs went out is a reader, too. */
function readersNow({ fleet }: Pick<SourceOptions, 'fleet'>, { association, readers }: CommitSubject): Readers {
  const roster = fleet.roster();
  const now = roster.associations.get(association);
  if (!now) return readers;
  return readersOf(roster, now.body, now.destination === undefined ? undefined : roster.members.get(now.destination));
}
