import type { PrivateKey } from '@libp2p/interface';
import { hexOf } from '../../../common/bytes.ts';
import type { Clock, RandomBytes } from '../../../common/clock.ts';
import { messageOf, ResettleError } from '../../../common/errors.ts';
import { type AssociationId, associationId, type PackId, type PeerIdText, type StateId } from '../../../common/ids.ts';
import { formatBytes } from '../../../common/sizes.ts';
import { BlocksSink } from '../../../protocols/blocks/client.ts';
import type { KeyFile } from '../../../protocols/point/messages.ts';
import { PointClient } from '../../../protocols/point/point.ts';
import { type Capture, describeSnapshot, planCapture } from '../../../state/capture/index.ts';
import { openDescriptor, wrapStateKey } from '../../../state/format/index.ts';
import { type Member, plainAssociation, type Roster } from '../../../state/records/index.ts';
import type { Emit } from '../../events.ts';
import type { FleetView } from '../../fleet-view.ts';
import type { Home } from '../../home/home.ts';
import type { Log } from '../../log.ts';
import { findMachine, ownMembership } from '../../membership/machines.ts';
import { type Candidate, type Placement, place } from '../../placement/place.ts';
import { ProgressMeter } from '../../progress-meter.ts';
import { choosePaths } from './paths.ts';
import { refuseEmpty } from './refuse-empty.ts';
import { openSourceState, type SourceState, writeSourceState } from './source-state.ts';
import { Turns } from './turns.ts';

export interface CaptureRequest {
  /** Absolute. */
  readonly paths: readonly string[];
  /** MACHINE that shall have the state. */
  readonly for: string;
  /** MACHINEs to use as points, in no order; empty: all that offer one. */
  readonly points: readonly string[];
}

export interface CaptureDone {
  readonly state: StateId;
  readonly snapshot: number;
  readonly association: AssociationId;
  readonly machine: PeerIdText;
  readonly machineName: string;
  readonly point: PeerIdText;
  readonly pointName: string;
  readonly files: number;
  readonly bytes: number;
  /** Bytes of every pack of the snapshot, and of those that were sent now. */
  readonly storedBytes: number;
  readonly newBytes: number;
  readonly recipients: readonly string[];
  readonly skipped: number;
}

export interface SourceOptions {
  readonly fleet: FleetView;
  readonly home: Home;
  readonly privateKey: PrivateKey;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  /** Folders of the agent's own that are never part of a state. */
  readonly exclude: readonly string[];
}

/** Somebody who will be able to decrypt: the name of the key file, and the age recipient that it is wrapped to. */
interface KeyHolder {
  readonly name: string;
  readonly shown: string;
  readonly recipient: string;
}

/** Captures paths of this machine to a point, for another machine of the fleet. */
export async function captureToPoint(
  options: SourceOptions,
  request: CaptureRequest,
  emit: Emit,
  signal: AbortSignal,
): Promise<CaptureDone> {
  const { fleet } = options;
  const roster = fleet.roster();
  ownMembership(roster, fleet.self);
  const destination = findMachine(roster, request.for);
  if (destination.peerId === fleet.self) {
    throw new ResettleError('not-built', 'capturing for this machine itself (in place) is not built yet', {
      hint: 'name another machine with --for',
    });
  }
  const { paths, own } = choosePaths(request.paths, options.exclude);
  for (const path of own) emit({ event: 'note', message: `left out, the agent's own: ${path}` });
  const association = findAssociation(roster, fleet.self, destination.peerId);
  const holders = keyHolders(roster, destination);
  const provisional = association ?? (await associate(options, destination.peerId));
  if (turns.isTaken(provisional)) {
    emit({ event: 'note', message: 'another capture for that machine is under way; this one waits for its end' });
  }
  return await turns.take(provisional, signal, () =>
    captureInTurn(options, request, paths, { association: provisional, holders, destination }, emit, signal),
  );
}

/** Two captures of one state at once would give two snapshots the same number. */
const turns = new Turns();

async function captureInTurn(
  options: SourceOptions,
  request: CaptureRequest,
  paths: readonly string[],
  about: Omit<Subject, 'state'>,
  emit: Emit,
  signal: AbortSignal,
): Promise<CaptureDone> {
  const { fleet, home, random } = options;
  const recipients = about.holders.map(({ recipient }) => recipient);
  const state = openSourceState(home, about.association, fleet.self, recipients, random);
  const roster = fleet.roster();
  const subject: Subject = { ...about, state };
  // First to the point that has what was captured before; where that fails, all of it to any other.
  const known = state.point && preferred(roster, request, state.point);
  if (known) {
    const done = await captureOnce(options, request, paths, subject, known, emit, signal);
    if (done) return done;
  }
  return (await captureOnce(options, request, paths, subject, undefined, emit, signal))!;
}

/** The member that has this state already, if the person's choice of points leaves it. */
function preferred(roster: Roster, request: CaptureRequest, point: PeerIdText): Member | undefined {
  const member = roster.members.get(point);
  if (member?.status !== 'active' || !member.point) return undefined;
  const wanted = request.points.map((text) => findMachine(roster, text).peerId);
  return wanted.length === 0 || wanted.includes(point) ? member : undefined;
}

/**
 * Plans, reserves and sends. With `holder`, what that point has of earlier captures is referred to, and no other point
 * is asked: undefined where it cannot take the rest.
 */
async function captureOnce(
  options: SourceOptions,
  request: CaptureRequest,
  paths: readonly string[],
  subject: Subject,
  holder: Member | undefined,
  emit: Emit,
  signal: AbortSignal,
): Promise<CaptureDone | undefined> {
  const { state, association, holders } = subject;
  const missingPacks = async (packs: readonly PackId[]): Promise<readonly PackId[]> => {
    if (!holder) return packs;
    const client = new PointClient(await options.fleet.connectTo(holder.peerId, signal), holder.name);
    return client.missing(state.stateId, packs, signal);
  };
  const meter = new ProgressMeter(options.clock, emit);
  let capture: Capture;
  try {
    capture = await planCapture(
      {
        paths: paths.map((path) => Buffer.from(path)),
        exclude: options.exclude.map((path) => Buffer.from(path)),
        scratchDir: options.home.scratchDir(),
        stateId: state.stateId,
        stateKey: state.key,
        cacheFile: options.home.cacheFile(state.stateId),
        missingPacks: async (packs) => {
          try {
            return await missingPacks(packs);
          } catch (error) {
            signal.throwIfAborted();
            throw new HolderFailed(`${holder?.name} cannot be asked: ${messageOf(error)}`);
          }
        },
      },
      { onProgress: meter.onProgress, signal },
    );
  } catch (error) {
    if (!(error instanceof HolderFailed)) throw error;
    emit({ event: 'note', message: `${error.message}; everything is sent to another point` });
    return undefined;
  }
  try {
    meter.finish();
    const { plan } = capture;
    for (const path of plan.excluded) emit({ event: 'note', message: `left out, the agent's own: ${path}` });
    const unchanged = plan.files - plan.newFiles;
    emit({
      event: 'note',
      message:
        `${plan.files} files, ${formatBytes(plan.bytes)}` +
        `${unchanged > 0 ? `, of which ${plan.newFiles} files, ${formatBytes(plan.newBytes)}, are new or changed` : ''}` +
        `; will be readable by ${holders.map(({ shown }) => shown).join(', ')}`,
    });
    refuseEmpty(plan, plan.skipped, emit);
    // Before anything is sent: a state whose key is not kept could not be continued.
    writeSourceState(options.home, association, state);
    let placement: Placement;
    try {
      placement = await reserveRoom(options, request, subject, holder, plan.upperBoundBytes, emit, signal);
    } catch (error) {
      if (!holder || !(error instanceof ResettleError) || error.code !== 'no-point') throw error;
      emit({ event: 'note', message: `${error.message}; everything is sent to another point` });
      return undefined;
    }
    return await transfer(options, subject, capture, placement, meter, emit, signal);
  } finally {
    await capture.close();
  }
}

/** The point that has the state cannot be asked what it still has. */
class HolderFailed extends Error {}

function findAssociation(roster: Roster, source: PeerIdText, destination: PeerIdText): AssociationId | undefined {
  for (const { id, body } of roster.associations.values()) {
    if (body.source === source && body.destination === destination) return id;
  }
  return undefined;
}

async function associate(options: SourceOptions, destination: PeerIdText): Promise<AssociationId> {
  const nonce = hexOf(options.random(16));
  const record = await options.fleet.append(
    plainAssociation({ source: options.fleet.self, destination, mode: 'side-by-side', nonce }),
  );
  return associationId(record.hash);
}

function keyHolders(roster: Roster, destination: Member): KeyHolder[] {
  const recovery = roster.fleet?.recoveryRecipient;
  return [
    {
      name: destination.peerId,
      shown: `${destination.name} (${destination.peerId})`,
      recipient: destination.ageRecipient,
    },
    ...(recovery ? [{ name: 'recovery', shown: "the fleet's recovery key", recipient: recovery }] : []),
  ];
}

async function reserveRoom(
  options: SourceOptions,
  request: CaptureRequest,
  { association, state }: Subject,
  holder: Member | undefined,
  bytes: number,
  emit: Emit,
  signal: AbortSignal,
): Promise<Placement> {
  const { fleet } = options;
  await fleet.refresh(signal);
  const roster = fleet.roster();
  const wanted = request.points.map((text) => findMachine(roster, text));
  const useless = wanted.filter((member) => !member.point || member.peerId === fleet.self);
  if (useless.length > 0) {
    const names = useless.map(({ name }) => name).join(', ');
    throw new ResettleError('no-point', `${names} offers no point to this machine`, {
      hint: '"resettle points" lists those that do',
    });
  }
  const offering = holder ? [holder] : wanted.length > 0 ? wanted : [...roster.members.values()];
  const candidates: Candidate[] = offering
    .filter((member) => member.status === 'active' && member.point && member.peerId !== fleet.self)
    .map((member) => ({
      peerId: member.peerId,
      name: member.name,
      connect: async (within) => new PointClient(await fleet.connectTo(member.peerId, within), member.name),
    }));
  const envelope = fleet.envelopeOf(association);
  if (!envelope) throw new ResettleError('failed', `association ${association} is not in this machine's records`);
  const placement = await place(
    candidates,
    bytes,
    (client) => client.reserve({ association: envelope, state: state.stateId, bytes, copy: false }, signal),
    signal,
    (message) => emit({ event: 'note', message }),
  );
  emit({ event: 'note', message: `${placement.candidate.name} has reserved ${formatBytes(bytes)}` });
  return placement;
}

interface Subject {
  readonly association: AssociationId;
  readonly state: SourceState;
  readonly holders: readonly KeyHolder[];
  readonly destination: Member;
}

async function transfer(
  options: SourceOptions,
  subject: Subject,
  capture: Capture,
  placement: Placement,
  meter: ProgressMeter,
  emit: Emit,
  signal: AbortSignal,
): Promise<CaptureDone> {
  const { association, state, holders, destination } = subject;
  const { candidate, client, lease } = placement;
  try {
    const connection = await options.fleet.connectTo(candidate.peerId, signal);
    const sink = await BlocksSink.open({ connection, name: candidate.name, state: state.stateId }, lease.lease, signal);
    const result = await capture.run(sink, { onProgress: meter.onProgress, signal }).catch((error: unknown) => {
      sink.abort(error instanceof Error ? error : new Error(String(error)));
      throw error;
    });
    meter.finish();
    await sink.close();
    refuseEmpty(result.totals, result.skipped, emit);

    const snapshot = Math.max(state.snapshot, lease.snapshot) + 1;
    const descriptor = await describeSnapshot(result, {
      stateId: state.stateId,
      stateKey: state.key,
      association,
      snapshot,
      previous: state.descriptor,
      capturedAtNs: BigInt(options.clock.now()) * 1_000_000n,
      machineName: ownMembership(options.fleet.roster(), options.fleet.self).name,
      platform: `${process.platform} ${process.arch}`,
      privateKey: options.privateKey,
    });
    const keys: KeyFile[] = [];
    for (const { name, recipient } of holders) keys.push({ name, bytes: await wrapStateKey(state.key, recipient) });
    meter.onProgress({ phase: 'commit', bytes: 0, totalBytes: result.newBytes, files: 0, totalFiles: 0 });
    await client.commit(
      { lease: lease.lease, snapshot, descriptor, keys, packs: new Uint8Array(0) },
      result.newBytes,
      signal,
    );
    const { descriptorHash } = await openDescriptor(descriptor);
    writeSourceState(options.home, association, {
      ...state,
      snapshot,
      descriptor: descriptorHash,
      point: candidate.peerId,
    });
    await capture.committed();
    for (const item of result.skipped.items) emit({ event: 'skipped', ...item });
    return {
      state: state.stateId,
      snapshot,
      association,
      machine: destination.peerId,
      machineName: destination.name,
      point: candidate.peerId,
      pointName: candidate.name,
      files: result.totals.files,
      bytes: result.totals.bytes,
      storedBytes: result.sealedBytes,
      newBytes: result.newBytes,
      recipients: holders.map(({ shown }) => shown),
      skipped: result.skipped.count,
    };
  } catch (error) {
    await client.release(lease.lease, AbortSignal.timeout(5_000)).catch((cause: unknown) => {
      options.log.warn({ err: cause, point: candidate.peerId }, 'could not give up the lease; it will expire');
    });
    throw error;
  }
}
