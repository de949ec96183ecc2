import { readdirSync } from 'node:fs';
import { z } from 'zod';
import { ResettleError } from '../../../common/errors.ts';
import {
  type AssociationId,
  associationId,
  type PeerIdText,
  peerIdText,
  type StateId,
  stateId,
} from '../../../common/ids.ts';
import { fromSummedJson, toSummedJson } from '../../../state/format/summed-json.ts';
import type { Home } from '../../home/home.ts';

const FOLDER = 'shares';
const NAME = /^([0-9a-f]{64})-([0-9a-f]{64})\.json$/;

/** A share with the deal that it belongs to, as bytes. */
export interface KeptShare {
  readonly deal: Uint8Array;
  readonly share: Uint8Array;
}

/** What a holder keeps of one state's key: HOME/shares/<association>-<state>.json. */
export interface ShareFile {
  readonly association: AssociationId;
  readonly state: StateId;
  readonly source: PeerIdText;
  /** Of the deal that counts. */
  readonly settled: KeptShare | null;
  /** Of a newer deal that is not complete yet, for all that this holder knows. */
  readonly pending: KeptShare | null;
  /** The one machine that got it, or will: nobody else ever does. */
  readonly releasedTo: PeerIdText | null;
}

const base64 = z.base64().transform((text) => new Uint8Array(Buffer.from(text, 'base64')));
const kept = z.strictObject({ deal: base64, share: base64 }).nullable();
const ShareFileSchema = z.strictObject({
  version: z.literal(1),
  association: z.string().transform(associationId),
  state: z.string().transform(stateId),
  source: z.string().transform(peerIdText),
  settled: kept,
  pending: kept,
  releasedTo: z.string().transform(peerIdText).nullable(),
});

/** The files of a share holder, each written whole or not at all, durably. */
export class ShareFiles {
  readonly #home: Home;

  constructor(home: Home) {
    this.#home = home;
  }

  /** Association and state of each file. */
  list(): { association: AssociationId; state: StateId }[] {
    let names: string[];
    try {
      names = readdirSync(this.#home.path(FOLDER)).sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
    return names.flatMap((name) => {
      const [, association, state] = NAME.exec(name) ?? [];
      return association && state ? [{ association: associationId(association), state: stateId(state) }] : [];
    });
  }

  /** Throws `damaged`. */
  read(association: AssociationId, state: StateId): ShareFile | undefined {
    const bytes = this.#home.read(FOLDER, nameOf(association, state));
    if (!bytes) return undefined;
    try {
      const { version: _, ...file } = ShareFileSchema.parse(fromSummedJson(bytes.toString('utf8')));
      if (file.association !== association || file.state !== state) throw new Error('another file under this name');
      return file;
    } catch (cause) {
      throw new ResettleError('damaged', `${this.#home.path(FOLDER, nameOf(association, state))} is damaged`, {
        hint: 'move it away; the source gives a new share at its next capture',
        cause,
      });
    }
  }

  write(file: ShareFile): void {
    const encode = (one: KeptShare | null): Record<'deal' | 'share', string> | null =>
      one && { deal: Buffer.from(one.deal).toString('base64'), share: Buffer.from(one.share).toString('base64') };
    const json = { version: 1, ...file, settled: encode(file.settled), pending: encode(file.pending) };
    this.#home.write(`${toSummedJson(json)}\n`, FOLDER, nameOf(file.association, file.state));
  }

  erase(association: AssociationId, state: StateId): void {
    this.#home.remove(FOLDER, nameOf(association, state));
  }
}

function nameOf(association: AssociationId, state: StateId): string {
  return `${association}-${state}.json`;
}
