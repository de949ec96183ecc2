/** `send` and `receive`: machine to machine, in the caller's process. No agent is asked, and none is needed. */
import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { systemClock } from '../common/clock.ts';
import { PAIRING_LIFE_MS } from '../common/limits.ts';
import { defaultHomeDir, Home } from '../node/home/home.ts';
import { decodeAbout } from '../node/pairing/about.ts';
import { enrolByCode, showForEnrolment } from '../node/pairing/enrol.ts';
import { KeptPairings, type KeptReceiver, type ReceiveWish as NodeWish } from '../node/pairing/kept.ts';
import { machineFacts } from '../node/pairing/machine.ts';
import { type Accept, type ReceiveBy, receive, type ShownProposal } from '../node/pairing/receive.ts';
import { rooms } from '../node/pairing/rooms.ts';
import { send } from '../node/pairing/send.ts';
import type { PairingEmit, PairingGround } from '../node/pairing/types.ts';
import { typedCode } from '../node/pairing/typing.ts';
import { areasAsked } from './areas-asked.ts';
import { withService } from './connect.ts';
import type { ApiEvent } from './contract.ts';

export type { ShownProposal };

/** As a person says it: areas by name, or `all`. */
export interface ReceiveWish extends Omit<NodeWish, 'areas'> {
  readonly areas?: readonly string[] | undefined;
}

/** Throws `usage` for an area that there is not. */
export function checkedWish({ areas, ...wish }: ReceiveWish): NodeWish {
  return areas ? { ...wish, areas: areasAsked(areas) } : wish;
}

type Done = Record<string, unknown>;

/** What both commands have in common. */
export interface PairingCall {
  readonly homeDir: string | undefined;
  readonly interfaces: readonly string[];
  /** What happens on the network, to standard error. */
  readonly verbose: boolean;
  readonly signal: AbortSignal;
  emit(event: ApiEvent): void;
}

const homeOf = (homeDir: string | undefined): Home => new Home(homeDir ?? defaultHomeDir());

async function groundOf({ homeDir, interfaces, verbose }: PairingCall): Promise<PairingGround> {
  return {
    home: homeOf(homeDir),
    clock: systemClock,
    random: randomBytes,
    log: pino({ level: verbose ? 'debug' : 'silent', base: null }, pino.destination({ dest: 2, sync: true })),
    machine: await machineFacts(),
    rooms,
    interfaces,
  };
}

const teller =
  (emit: PairingCall['emit']): PairingEmit =>
  (event) =>
    emit(event as ApiEvent);

/** Time limits (AbortSignal.timeout) do not keep a process alive: what waits for nothing else would end it unfinished. */
async function awake<T>(work: () => Promise<T>): Promise<T> {
  const timer = setInterval(() => {}, AWAKE_EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

const AWAKE_EVERY_MS = 60_000;

export interface SendCall extends PairingCall {
  /** Absolute. Empty, and no areas: what the newest unfinished one sends, else everything that areas take. */
  readonly paths: readonly string[];
  /** Names, or `all`. */
  readonly areas: readonly string[];
  readonly listen: readonly string[];
  readonly isNew: boolean;
}

/** Shows a code by an event `code`, and settles when the other machine has everything. */
export async function sendState(call: SendCall): Promise<Done> {
  const { paths, areas, listen, isNew, emit, signal } = call;
  const asked = { paths, areas: areasAsked(areas), listen, isNew, exclude: [] };
  return awake(async () => ({
    ...(await send(await groundOf(call), asked, teller(emit), signal)),
  }));
}

export interface ReceiveCall extends PairingCall {
  readonly by: ReceiveBy;
  readonly peer: string | undefined;
  /** What the person said already. */
  readonly wish: ReceiveWish | undefined;
  /** Nothing is written; each item is told by an event. */
  readonly dryRun: boolean;
  readonly accept: (...asked: Parameters<Accept>) => Promise<ReceiveWish | undefined>;
}

/** Pairs or goes on, asks by `accept`, and settles when everything is in its place. */
export async function receiveState(call: ReceiveCall): Promise<Done> {
  const { by, peer, dryRun, emit, signal } = call;
  const wish = call.wish && checkedWish(call.wish);
  const accept: Accept = async (...asked) => {
    const said = await call.accept(...asked);
    return said && checkedWish(said);
  };
  return awake(async () => ({
    ...(await receive(await groundOf(call), { by, peer, wish, dryRun }, accept, teller(emit), signal)),
  }));
}

export interface InviteByCodeCall extends PairingCall {
  readonly listen: readonly string[];
}

/** Shows a code by an event `code`, and gives the machine that proves it an invite for itself alone. */
export async function inviteByCode(call: InviteByCodeCall): Promise<Done> {
  const { homeDir, listen, emit, signal } = call;
  const issue = async (): Promise<string> => {
    // As long as the code.
    const request = { expiresMs: PAIRING_LIFE_MS, uses: 1, role: 'member' as const };
    const done = await withService(homeDir, (service) => service.call('fleetInvite', request, emit, signal));
    return String(done.token);
  };
  // Who may not invite shall hear it before somebody types a code. An invite that nobody gets is forgotten.
  await issue();
  return awake(async () => ({
    ...(await showForEnrolment(await groundOf(call), { listen, issue }, teller(emit), signal)),
  }));
}

export interface JoinByCodeCall extends PairingCall {
  readonly code: string;
  readonly peer: string | undefined;
}

/** The invite token that the machine with that code gives. */
export async function inviteOfCode(call: JoinByCodeCall): Promise<string> {
  const { code, peer, emit, signal } = call;
  return awake(async () => enrolByCode(await groundOf(call), { code, peer }, teller(emit), signal));
}

/** Throws `usage` where it is no code, and says which word is not on the list. */
export function checkCode(text: string): void {
  typedCode(text);
}

/** A pairing that a receiver can go on with. */
export interface Unfinished {
  readonly id: string;
  readonly machineName: string;
  readonly madeAt: string;
  /** Where it goes; null until that was said. */
  readonly into: string | null;
}

/** The newest first. Those that cannot be read are told of. */
export function unfinishedReceives(homeDir: string | undefined, onProblem: (message: string) => void): Unfinished[] {
  return new KeptPairings(homeOf(homeDir), systemClock).list('receiver', onProblem).map(shown);
}

function shown({ id, remoteAbout, madeAtMs, wish }: KeptReceiver): Unfinished {
  return {
    id,
    machineName: decodeAbout(remoteAbout, 'offer').machine.name,
    madeAt: new Date(madeAtMs).toISOString(),
    into: wish?.into ?? null,
  };
}
