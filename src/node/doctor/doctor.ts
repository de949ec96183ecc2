/** Looks for what keeps machines apart: this machine first, then the others. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ResettleError } from '../../common/errors.ts';
import type { PeerIdText } from '../../common/ids.ts';
import type { InterfaceReport } from '../discovery/index.ts';
import { type DoctorOptions, Examination, type Tell } from './examination.ts';
import { findPatient, type Patient } from './patient.ts';

/** Everybody is asked once; what is sent must have come back by then. */
const SELF_TEST_MS = 3_000;
const SELF_TEST_LOOK_MS = 100;

/**
 * Looks at this machine, and at one other or at all that are known. Each finding is told as it comes.
 *
 * @param peerText MACHINE; undefined for all
 * @throws `not-found`, `ambiguous`, `usage` for the text, before anything is told
 */
export async function examine(
  options: DoctorOptions,
  peerText: string | undefined,
  tell: Tell,
  signal: AbortSignal,
): Promise<void> {
  const { discovery, membership } = options;
  const began = options.clock.monotonicMs();
  discovery.hurry(SELF_TEST_MS);
  const heardIds = (): PeerIdText[] => discovery.peers().map(({ peerId }) => peerId);
  const patient = peerText === undefined ? undefined : await waitFor(options, peerText, began, signal);
  const examination = new Examination(options, tell, signal);
  examination.self();
  const members = [...membership.roster().members.values()].filter(({ status }) => status === 'active');
  const others = members.map(({ peerId }) => peerId).filter((peerId) => peerId !== membership.self);
  await waitForEcho(options, patient === undefined ? others : [patient.peerId], began, signal);
  examination.multicast(options.clock.monotonicMs() - began);
  if (patient !== undefined) await examination.patient(patient);
  else await examination.everybody([...new Set([...others, ...heardIds()])]);
  await examination.network();
}

/** A machine that is not known yet may be heard within the next moments. */
async function waitFor(options: DoctorOptions, text: string, began: number, signal: AbortSignal): Promise<Patient> {
  const { membership, discovery, clock } = options;
  for (;;) {
    const heard = discovery.peers().map(({ peerId }) => peerId);
    try {
      return findPatient(membership.roster(), [...new Set(heard)], membership.self, text);
    } catch (error) {
      const isOver = clock.monotonicMs() - began > SELF_TEST_MS;
      if (isOver || !(error instanceof ResettleError) || error.code !== 'not-found') throw error;
    }
    await sleep(SELF_TEST_LOOK_MS, undefined, { signal });
  }
}

/**
 * Waits until what was sent has come back on each interface and those that should be there are heard, or the time is
 * over: an answer may take a second, and a peer that is about to answer must not count as unheard.
 */
async function waitForEcho(
  { discovery, clock }: DoctorOptions,
  expected: readonly PeerIdText[],
  began: number,
  signal: AbortSignal,
): Promise<void> {
  while (clock.monotonicMs() - began < SELF_TEST_MS) {
    const agoMs = clock.monotonicMs() - began;
    const isBack = ({ error, ownHeardAgoMs }: InterfaceReport): boolean =>
      error !== undefined || (ownHeardAgoMs !== undefined && ownHeardAgoMs <= agoMs);
    const heard = new Set(discovery.peers().map(({ peerId }) => peerId));
    if (discovery.report().every(isBack) && expected.every((peerId) => heard.has(peerId))) return;
    await sleep(SELF_TEST_LOOK_MS, undefined, { signal });
  }
}
