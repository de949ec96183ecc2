/** Looks for what keeps machines apart: this machine first, then the others. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ResettleError } from '../../common/errors.ts';
import type { PeerIdText } from '../../common/ids.ts';
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
  await waitForEcho(options, began, signal);
  examination.multicast(options.clock.monotonicMs() - began);
  if (patient !== undefined) {
    await examination.patient(patient);
  } else {
    const members = [...membership.roster().members.values()].filter(({ status }) => status === 'active');
    const all = new Set([...members.map(({ peerId }) => peerId), ...heardIds()]);
    all.delete(membership.self);
    await examination.everybody([...all]);
  }
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

/** Waits until what was sent has come back on each interface, or the time is over. */
async function waitForEcho({ discovery, clock }: DoctorOptions, began: number, signal: AbortSignal): Promise<void> {
  while (clock.monotonicMs() - began < SELF_TEST_MS) {
    const agoMs = clock.monotonicMs() - began;
    const waiting = discovery
      .report()
      .filter(
        ({ error, ownHeardAgoMs }) => error === undefined && !(ownHeardAgoMs !== undefined && ownHeardAgoMs <= agoMs),
      );
    if (waiting.length === 0) return;
    await sleep(SELF_TEST_LOOK_MS, undefined, { signal });
  }
}
