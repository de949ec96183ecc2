import type { PrivateKey } from '@libp2p/interface';
import { hexOf } from '../../../common/bytes.ts';
import type { Clock, RandomBytes } from '../../../common/clock.ts';
import { ResettleError } from '../../../common/errors.ts';
import { type AssociationId, associationId, type PeerIdText, type StateId } from '../../../common/ids.ts';
import type { Report } from '../../../common/ports.ts';
import { formatBytes } from '../../../common/sizes.ts';
import { BlocksSink } from '../../../protocols/blocks/client.ts';
import type { KeyFile } from '../../../protocols/point/messages.ts';
import { PointClient } from '../../../protocols/point/point.ts';
import { type Capture, describeSnapshot, planCapture } from '../../../state/capture/index.ts';
import { openDescriptor, wrapStateKey } from '../../../state/format/index.ts';
import type { Member, Roster } from '../../../state/records/index.ts';
import type { Emit } from '../../events.ts';
import type { FleetView } from '../../fleet-view.ts';
import type { Home } from '../../home/home.ts';
import type { Log } from '../../log.ts';
import { findMachine, ownMembership } from '../../membership/machines.ts';
import { type Candidate, type Placement, place } from '../../placement/place.ts';
import { ProgressMeter } from '../../progress-meter.ts';
import { choosePaths } from './paths.ts';
import { openSourceState, type SourceState, writeSourceState } from './source-state.ts';

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
  readonly storedBytes: number;
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
  const recipients = holders.map(({ recipient }) => recipient);
  const state = openSourceState(options.home, provisional, fleet.self, recipients, options.random);

  const meter = new ProgressMeter(options.clock, emit);
  const capture = await planCapture(
    {
      paths: paths.map((path) => Buffer.from(path)),
      exclude: options.exclude.map((path) => Buffer.from(path)),
      scratchDir: options.home.scratchDir(),
      stateId: state.stateId,
      stateKey: state.key,
    },
    { onProgress: meter.onProgress, signal },
  );
  try {
    meter.finish();
    const { plan } = capture;
    for (const path of plan.excluded) emit({ event: 'note', message: `left out, the agent's own: ${path}` });
    emit({
      event: 'note',
      message: `${plan.files} files, ${formatBytes(plan.bytes)}; will be readable by ${holders.map(({ shown }) => shown).join(', ')}`,
    });
    refuseEmpty(plan, plan.skipped, emit);
    // Before anything is sent: a state whose key is not kept could not be continued.
    writeSourceState(options.home, provisional, state);
    const placement = await reserveRoom(options, request, provisional, state, plan.upperBoundBytes, emit, signal);
    return await transfer(
      options,
      { association: provisional, state, holders, destination },
      capture,
      placement,
      meter,
      emit,
      signal,
    );
  } finally {
    await capture.close();
  }
}

/** A capture that could take nothing but folders, where there was more, is none. Throws `nothing-left`. */
function refuseEmpty(
  taken: { readonly files: number; readonly symlinks: number; readonly hardlinks: number },
  skipped: Report,
  emit: Emit,
): void {
  if (skipped.count === 0 || taken.files + taken.symlinks + taken.hardlinks > 0) return;
  for (const item of skipped.items) emit({ event: 'skipped', ...item });
  const first = skipped.items[0];
  throw new ResettleError(
    'nothing-left',
    `nothing is left to capture of ${skipped.count} items${first ? `; ${first.path}: ${first.reason}` : ''}`,
    { hint: 'run the agent as a user who can read them' },
  );
}

function findAssociation(roster: Roster, source: PeerIdText, destination: PeerIdText): AssociationId | undefined {
  for (const { id, body } of roster.associations.values()) {
    if (body.source === source && body.destination === destination) return id;
  }
  return undefined;
}

async function associate(options: SourceOptions, destination: PeerIdText): Promise<AssociationId> {
  const record = await options.fleet.associate({
    type: 'association',
    source: options.fleet.self,
    destination,
    mode: 'side-by-side',
    nonce: hexOf(options.random(16)),
    points: [],
    replicas: 1,
    sealed: null,
  });
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
  association: AssociationId,
  state: SourceState,
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
  const offering = wanted.length > 0 ? wanted : [...roster.members.values()];
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
    (client) => client.reserve({ association: envelope, state: state.stateId, bytes }, signal),
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
    meter.onProgress({ phase: 'commit', bytes: 0, totalBytes: result.sealedBytes, files: 0, totalFiles: 0 });
    await client.commit({ lease: lease.lease, snapshot, descriptor, keys }, result.sealedBytes, signal);
    const { descriptorHash } = await openDescriptor(descriptor);
    writeSourceState(options.home, association, { ...state, snapshot, descriptor: descriptorHash });
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
