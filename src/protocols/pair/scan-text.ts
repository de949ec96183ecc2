/** The text of the QR code: `resettle:PEERID.SECRET`. It carries a secret of 128 bits and is never logged. */
import { fromString } from 'uint8arrays/from-string';
import { toString as textOf } from 'uint8arrays/to-string';
import type { RandomBytes } from '../../common/clock.ts';
import { ResettleError } from '../../common/errors.ts';
import { type PeerIdText, peerIdText } from '../../common/ids.ts';

export interface ScanCode {
  /** The machine that shows it: nobody else is asked. */
  readonly peer: PeerIdText;
  readonly secret: Uint8Array;
}

const SECRET_BYTES = 16;
/** A peer id of 52 characters, and 128 bits in base32: 25 characters of 5 bits, and one whose last two bits are zero. */
const PATTERN = /^resettle:([1-9A-HJ-NP-Za-km-z]{52})\.([a-z2-7]{25}[aeimquy4])$/;

export function drawScanSecret(random: RandomBytes): Uint8Array {
  return random(SECRET_BYTES);
}

/** For a QR code on the person's own screen, and for nobody else. */
export function formatScanCode({ peer, secret }: ScanCode): string {
  return `resettle:${peer}.${textOf(secret, 'base32')}`;
}

/** Whether a text means to be a scanned code, as against one that was typed. */
export function isScanText(text: string): boolean {
  return text.trim().startsWith('resettle:');
}

/** Throws `usage`; what was given is not in the message, since it may hold the secret. */
export function parseScanCode(text: string): ScanCode {
  const match = PATTERN.exec(text.trim());
  if (!match) {
    throw new ResettleError('usage', 'the text is not that of a QR code of resettle, or not whole', {
      hint: 'scan it again, or type the code of three digits and two words',
    });
  }
  return { peer: peerIdText(match[1]!), secret: fromString(match[2]!, 'base32') };
}
