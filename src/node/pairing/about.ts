/**
 * What the two machines say about themselves: each is bound to it before the code is proved, and it is shown after. A
 * stranger may have written it: sizes are checked here, and every text is made safe for a terminal.
 */
import { bytesOfHex, hexOf } from '../../common/bytes.ts';
import { ResettleError } from '../../common/errors.ts';
import { type PeerIdText, type StateId, stateId } from '../../common/ids.ts';
import { NAME_TEXT_MAX, OFFER_PATH_TEXT_MAX_BYTES, OFFER_PATHS_MAX } from '../../common/limits.ts';
import {
  bytesField,
  countField,
  defineMessage,
  listField,
  messageField,
  textField,
} from '../../protocols/wire/message.ts';
import { showPath } from '../../state/fs/show-path.ts';
import type { MachineFacts, ShownMachine, ShownOffer } from './types.ts';

const ABOUT_VERSION = 1;
const HASH_BYTES = 32;
const TEXT_MAX_BYTES = 2 * NAME_TEXT_MAX;

const OfferWire = defineMessage({
  paths: listField(textField(1, OFFER_PATH_TEXT_MAX_BYTES), OFFER_PATHS_MAX),
  pathCount: countField(2),
  files: countField(3),
  folders: countField(4),
  links: countField(5),
  bytes: countField(6),
  skipped: countField(7),
  descriptorHash: bytesField(8, HASH_BYTES),
  state: bytesField(9, HASH_BYTES),
  upperBoundBytes: countField(10),
});
const AboutWire = defineMessage({
  version: countField(1),
  name: textField(2, TEXT_MAX_BYTES),
  system: textField(3, TEXT_MAX_BYTES),
  user: textField(4, TEXT_MAX_BYTES),
  offer: messageField(5, OfferWire),
});

/** What the sender offers; the pairing binds it. */
export interface Offer extends ShownOffer {
  /** H of the plan's descriptor: nothing else is accepted later. */
  readonly descriptorHash: Uint8Array;
  /** The most bytes that its packs may have. */
  readonly upperBoundBytes: number;
}

export interface About {
  readonly machine: MachineFacts;
  /** From the sender alone. */
  readonly offer: Offer | undefined;
}

/** At most PAIRING_ABOUT_MAX_BYTES: texts that are too long are cut. */
export function encodeAbout({ machine, offer }: About): Uint8Array {
  return AboutWire.encode({
    version: ABOUT_VERSION,
    name: cut(machine.name, TEXT_MAX_BYTES),
    system: cut(machine.system, TEXT_MAX_BYTES),
    user: cut(machine.user, TEXT_MAX_BYTES),
    offer: offer && {
      ...offer,
      paths: offer.paths.slice(0, OFFER_PATHS_MAX).map((path) => cut(path, OFFER_PATH_TEXT_MAX_BYTES)),
      state: bytesOfHex(offer.state),
    },
  });
}

/** What the other machine said. Every text in it may be shown. Throws `damaged`. */
export function decodeAbout(bytes: Uint8Array, expected: 'offer' | 'machine'): About {
  const { version, name, system, user, offer } = AboutWire.decode(bytes);
  if (version !== ABOUT_VERSION) throw misfit(`is of version ${version}`);
  if ((offer !== undefined) !== (expected === 'offer'))
    throw misfit(offer ? 'offers what it shall get' : 'has no offer');
  const machine = {
    name: shownText(name) || 'a machine without a name',
    system: shownText(system),
    user: shownText(user),
  };
  return { machine, offer: offer && offerOf(offer) };
}

function offerOf(wire: ReturnType<typeof OfferWire.decode>): Offer {
  if (wire.descriptorHash.length !== HASH_BYTES || wire.state.length !== HASH_BYTES)
    throw misfit('has a hash of a wrong length');
  if (wire.paths.length === 0 || wire.pathCount < wire.paths.length)
    throw misfit('names no paths, or more than there are');
  return { ...wire, paths: wire.paths.map(shownText), state: stateId(hexOf(wire.state)) };
}

function misfit(what: string): ResettleError {
  return new ResettleError('damaged', `what the other machine says about itself ${what}`, {
    hint: 'use the same version of resettle on both machines, and pair anew',
  });
}

/** A text of a stranger's: nothing in it may move a terminal's cursor or turn its letters round. */
export function shownText(text: string): string {
  return showPath(Buffer.from(text)).replaceAll('\\x5c', '\\').trim();
}

function cut(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  const end = '…';
  let left = maxBytes - Buffer.byteLength(end);
  let kept = '';
  for (const character of text) {
    left -= Buffer.byteLength(character);
    if (left < 0) break;
    kept += character;
  }
  return kept + end;
}

export function shownMachine(peer: PeerIdText, { name, system, user }: MachineFacts): ShownMachine {
  return { machine: peer, machineName: name, system, user };
}

export function shownOffer({ descriptorHash: _, upperBoundBytes: __, ...shown }: Offer): ShownOffer {
  return shown;
}

/** What an offer is made of. */
export function makeOffer(
  plan: {
    readonly files: number;
    readonly folders: number;
    readonly symlinks: number;
    readonly hardlinks: number;
    readonly specials: number;
    readonly bytes: number;
    readonly upperBoundBytes: number;
    readonly skipped: { readonly count: number };
  },
  paths: readonly string[],
  state: StateId,
  descriptorHash: Uint8Array,
): Offer {
  return {
    state,
    paths: paths.slice(0, OFFER_PATHS_MAX).map((path) => cut(shownText(path), OFFER_PATH_TEXT_MAX_BYTES)),
    pathCount: paths.length,
    files: plan.files,
    folders: plan.folders,
    links: plan.symlinks + plan.hardlinks,
    bytes: plan.bytes,
    skipped: plan.skipped.count,
    descriptorHash,
    upperBoundBytes: plan.upperBoundBytes,
  };
}
