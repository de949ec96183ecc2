import type { AssociationId, PeerIdText } from '../../../../common/ids.ts';
import { START_SILENT_MS } from '../../../../common/limits.ts';
import type { Association, EventBody } from '../../../../state/records/index.ts';
import type { SourceOptions } from '../types.ts';
import type { BatchMate, Turn } from './take-turns.ts';

const REACH_WAIT_MS = 3_000;
/** How long it stays known that a silent mate was reached, or was not. */
const REACH_KNOWN_MS = 30_000;

interface Heard {
  readonly text: string;
  readonly sinceMs: number;
}

/** What this source sees of its batch: who waits, who captures, and who has gone silent. */
export class Batch {
  readonly #options: Pick<SourceOptions, 'fleet' | 'clock' | 'times'>;
  readonly #heard = new Map<AssociationId, Heard>();
  readonly #reached = new Map<PeerIdText, { readonly alive: boolean; readonly atMs: number }>();

  constructor(options: Pick<SourceOptions, 'fleet' | 'clock' | 'times'>) {
    this.#options = options;
  }

  /** Undefined for an association that does not start by itself. */
  turnOf({ id, body }: Association): Turn | undefined {
    return body.start ? { ...body.start, self: id } : undefined;
  }

  async mates(turn: Turn, signal: AbortSignal): Promise<BatchMate[]> {
    const { fleet } = this.#options;
    const list = [...fleet.roster().associations.values()].filter(
      ({ body, ended }) => body.start?.batch === turn.batch && !ended,
    );
    return await Promise.all(
      list.map(async ({ id, body: { source } }) => {
        const said = fleet.events(id).find(({ signer, body }) => signer === source && body.step === 'activity');
        const doing = doingOf(said?.body.phase);
        const alive = source === fleet.self || doing === 'neither' || (await this.#isAlive(id, source, said, signal));
        return { association: id, doing, alive };
      }),
    );
  }

  /** One that has said something new is; an old word is believed only of a machine that can be reached. */
  async #isAlive(
    id: AssociationId,
    source: PeerIdText,
    said: { readonly time: number } | undefined,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { clock, times, fleet } = this.#options;
    const now = clock.monotonicMs();
    const text = String(said?.time ?? 0);
    const before = this.#heard.get(id);
    if (before?.text !== text) this.#heard.set(id, { text, sinceMs: now });
    else if (now - before.sinceMs > (times?.startSilentMs ?? START_SILENT_MS)) {
      const known = this.#reached.get(source);
      if (known && now - known.atMs < REACH_KNOWN_MS) return known.alive;
      const limit = AbortSignal.any([signal, AbortSignal.timeout(REACH_WAIT_MS)]);
      const alive = await fleet.connectTo(source, limit).then(
        () => true,
        () => false,
      );
      this.#reached.set(source, { alive, atMs: now });
      return alive;
    }
    return true;
  }
}

function doingOf(phase: EventBody['phase'] | undefined): BatchMate['doing'] {
  if (phase === 'waiting') return 'waiting';
  return phase === 'scanning' || phase === 'sending' ? 'capturing' : 'neither';
}
