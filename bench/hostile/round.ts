/** One transfer beside nothing, beside a flood, and beside a burner of equal use. */
import { type Beside, burners, hostile, nothing } from './beside.ts';
import type { Office, Transfer } from './office.ts';

export type Condition = 'alone' | 'flood' | 'burner';

export interface Measured {
  readonly seconds: number;
  /** Of the honest agents together, and of what ran beside them, in these seconds. */
  readonly agentsCpuSeconds: number;
  readonly besideCpuSeconds: number;
  readonly sentPerSecond: number;
}

export interface Round {
  readonly flood: string;
  readonly transfer: Transfer;
  readonly measured: Readonly<Record<Condition, Measured>>;
}

const ORDERS: readonly (readonly Condition[])[] = [
  ['alone', 'flood', 'burner'],
  ['flood', 'burner', 'alone'],
  ['alone', 'flood', 'burner'],
  ['flood', 'alone', 'burner'],
];

async function measure(office: Office, transfer: Transfer, beside: Beside): Promise<Measured> {
  if (transfer === 'capture') office.prepare();
  beside.begin();
  const beganMs = performance.now();
  const used = (): readonly [number, number] => [office.cpuSeconds(), beside.cpuSeconds()];
  let [before, after] = [used(), used()];
  const seconds = await office.run(
    transfer,
    () => {
      before = used();
    },
    () => {
      after = used();
    },
  );
  const allSeconds = (performance.now() - beganMs) / 1000;
  const sentPerSecond = (await beside.end()) / allSeconds;
  return { seconds, agentsCpuSeconds: after[0] - before[0], besideCpuSeconds: after[1] - before[1], sentPerSecond };
}

/** CPU seconds a second that the flood has used, and has made the agents use beyond what the transfer takes. */
export function rateOf(flood: Measured, alone: Measured): number {
  const made = Math.max(0, flood.agentsCpuSeconds - alone.agentsCpuSeconds);
  return (flood.besideCpuSeconds + made) / flood.seconds;
}

/**
 * The three, in an order that changes; the burner comes after what it is measured by.
 *
 * @param transfers run in each condition one after the other: what is restored was captured there
 */
export async function runRound(
  office: Office,
  flood: string,
  transfers: readonly Transfer[],
  number: number,
): Promise<Round[]> {
  const measured = new Map<Condition, Measured>();
  const rounds: Round[] = [];
  for (const transfer of transfers) {
    // The destination tries what it has just got; and its first restore starts what the others find.
    if (transfer === 'restore') await office.run(transfer);
    for (const condition of ORDERS[number % ORDERS.length]!) {
      if (condition === 'burner' && !measured.has('alone'))
        measured.set('alone', await measure(office, transfer, nothing));
      if (condition === 'alone' && measured.has('alone')) continue;
      const beside =
        condition === 'alone'
          ? nothing
          : condition === 'flood'
            ? await hostile({ flood, address: office.address, token: office.token })
            : await burners(rateOf(measured.get('flood')!, measured.get('alone')!));
      measured.set(condition, await measure(office, transfer, beside));
    }
    rounds.push({ flood, transfer, measured: Object.fromEntries(measured) as Round['measured'] });
    measured.clear();
  }
  return rounds;
}
