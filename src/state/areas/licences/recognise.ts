import { isUtf8 } from 'node:buffer';
import { renameClientServers } from './client-settings.ts';
import type { LicenceFacts } from './facts.ts';
import { flexNetFacts, renameServers } from './flexnet.ts';
import { jetBrainsFacts } from './jetbrains.ts';
import { renameHosts, rlmFacts } from './rlm.ts';
import { vendorFacts } from './vendor-formats.ts';

/** Names that say licence where the content says nothing to us. */
const NAMED_LICENCE = /\.(lic|license|licence|licx)$|\/licen[sc]e\.(dat|key)$/i;

/** What a file is bound to, by its content; undefined where it is no licence that we know, nor one by its name. */
export function recognise(path: string, bytes: Uint8Array): LicenceFacts | undefined {
  const jetBrains = /\/JetBrains\//.test(path) ? jetBrainsFacts(bytes) : undefined;
  if (jetBrains) return jetBrains;
  // Licence files may be Latin-1; what matters in them is ASCII.
  const text = Buffer.from(bytes).toString('latin1');
  const known = flexNetFacts(text) ?? rlmFacts(text) ?? vendorFacts(text, path);
  if (known) return known;
  if (!NAMED_LICENCE.test(path) || bytes.length === 0 || (isUtf8(bytes) && isProse(text))) return undefined;
  return {
    format: 'other',
    vendor: '',
    products: [],
    servers: [],
    hostIds: [],
    lacksServer: false,
    fixed: { sort: 'unknown', reason: 'its format is not known: nobody can say what it is bound to' },
  };
}

/** Terms and agreements: sentences of words, with none of the long codes that a key has. */
function isProse(text: string): boolean {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const plain = words.filter((word) => /^["'(]?[A-Za-z]{1,20}[.,;:)"']*$/.test(word));
  return words.length > 100 && plain.length > words.length * 0.75;
}

/** The text with the machines that it names as servers called otherwise, where `to` has another name for them. */
export function renamed(
  format: LicenceFacts['format'],
  bytes: Buffer,
  to: (host: string) => string | undefined,
): Buffer {
  const text = bytes.toString('latin1');
  const rename = { FlexNet: renameServers, RLM: renameHosts, 'client settings': renameClientServers }[format as string];
  return rename ? Buffer.from(rename(text, to), 'latin1') : bytes;
}
