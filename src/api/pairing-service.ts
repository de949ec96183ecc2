/** `send` and `receive`: machine to machine, in the caller's process. No agent is asked, and none is needed. */
import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { systemClock } from '../common/clock.ts';
import { defaultHomeDir, Home } from '../node/home/home.ts';
import { decodeAbout } from '../node/pairing/about.ts';
import { KeptPairings, type KeptReceiver, type ReceiveWish } from '../node/pairing/kept.ts';
import { machineFacts } from '../node/pairing/machine.ts';
import { type Accept, credentialOf, type ReceiveBy, receive, type ShownProposal } from '../node/pairing/receive.ts';
import { rooms } from '../node/pairing/rooms.ts';
import { send } from '../node/pairing/send.ts';
import type { PairingEmit, PairingGround } from '../node/pairing/types.ts';
import type { ApiEvent } from './contract.ts';

export type { ReceiveWish, ShownProposal };

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
  /** Absolute; empty: those of the newest unfinished one. */
  readonly paths: readonly string[];
  readonly listen: readonly string[];
  readonly isNew: boolean;
}

/** Shows a code by an event `code`, and settles when the other machine has everything. */
export async function sendState(call: SendCall): Promise<Done> {
  const { paths, listen, isNew, emit, signal } = call;
  return awake(async () => ({
    ...(await send(await groundOf(call), { paths, listen, isNew, exclude: [] }, teller(emit), signal)),
  }));
}

export interface ReceiveCall extends PairingCall {
  readonly by: ReceiveBy;
  readonly peer: string | undefined;
  readonly accept: Accept;
}

/** Pairs or goes on, asks by `accept`, and settles when everything is in its place. */
export async function receiveState(call: ReceiveCall): Promise<Done> {
  const { by, peer, accept, emit, signal } = call;
  return awake(async () => ({
    ...(await receive(await groundOf(call), { by, peer }, accept, teller(emit), signal)),
  }));
}

/** Throws `usage` where it is no code, and says which word is not on the list. */
export function checkCode(text: string): void {
  credentialOf(text);
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
