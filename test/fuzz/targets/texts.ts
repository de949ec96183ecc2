/** What people type, scan and give on a command line. */
import { peerIdText } from '../../../src/common/ids.ts';
import { parseShareTerms } from '../../../src/common/share-terms.ts';
import { formatBytes, formatDuration, parseDurationMs, parseSizeBytes } from '../../../src/common/sizes.ts';
import { readTcpAddress } from '../../../src/node/discovery/packets.ts';
import { readDefaultRoutes } from '../../../src/node/doctor/routes.ts';
import { parseSubnets } from '../../../src/node/roles/point/subnets.ts';
import { drawCode, formatCode, parseCode, wordsBeginning } from '../../../src/protocols/pair/code.ts';
import { drawScanSecret, formatScanCode, isScanText, parseScanCode } from '../../../src/protocols/pair/scan-text.ts';
import { WORDS } from '../../../src/protocols/pair/words.ts';
import { identityOfRecoveryCode, newRecoveryCode } from '../../../src/state/keys/recovery-code.ts';
import type { Random } from '../../faults/scenario.ts';
import { type Target, target } from '../target.ts';
import { MADE_UP, somePeer } from './fleet.ts';
import { address, randomBytesOf } from './some.ts';

export const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');

interface TextTarget<T> {
  readonly valid: (random: Random) => string;
  readonly decode: (text: string) => T;
  readonly encode?: (value: T) => string;
  readonly words?: readonly string[];
  readonly refusals?: Target['refusals'];
}

function text<T>(name: string, { valid, decode, encode, words = [], refusals = ['usage'] }: TextTarget<T>): Target {
  return target<T>({
    ...{ name, shape: 'words', words, refusals },
    valid: (random) => Buffer.from(valid(random)),
    decode: (bytes) => decode(textOf(bytes)),
    ...(encode && { encode: (value: T) => Buffer.from(encode(value)) }),
  });
}

const number = (random: Random): number => random.pick([0, 1, 7, 60, 999, 1024, 2 ** 12]);

export const TEXTS: readonly Target[] = [
  text('pairing-code', {
    valid: (random) => formatCode(drawCode(randomBytesOf(random))),
    decode: (typed) => {
      wordsBeginning(typed);
      return parseCode(typed);
    },
    encode: formatCode,
    words: [...WORDS.slice(0, 200), '０４２', '042', '–', '—', '-', '_', 'ACID', 'ａcid', 'ſ', 'K', 'ﬁ', 'acidacorn'],
  }),
  text('scan-code', {
    valid: (random) => formatScanCode({ peer: somePeer(random), secret: drawScanSecret(randomBytesOf(random)) }),
    decode: (typed) => {
      isScanText(typed);
      return parseScanCode(typed);
    },
    encode: formatScanCode,
    words: ['resettle:', 'RESETTLE:', '12D3KooW', '.', 'a', '7', 'l', 'I', '='],
  }),
  text('recovery-code', {
    valid: (random) => newRecoveryCode(randomBytesOf(random)),
    decode: identityOfRecoveryCode,
    words: ['0', 'O', '1', 'I', 'L', 'U', '-', 'ß', 'ﬀ', 'ı', 'z'],
  }),
  text('size', {
    valid: (random) => `${number(random)}${random.pick(['', 'B', 'kB', 'MB', 'GiB', ' TiB', '.5GB'])}`,
    decode: (typed) => {
      const bytes = parseSizeBytes(typed);
      formatBytes(bytes);
      return bytes;
    },
    encode: String,
    words: ['KiB', 'gb', 'constructor', '__proto__', '1e9', '.', '٣', '９'],
  }),
  text('duration', {
    valid: (random) => `${1 + (number(random) % 1000)}${random.pick(['s', 'm', 'h', 'd', ' D'])}`,
    decode: (typed) => {
      const ms = parseDurationMs(typed);
      formatDuration(ms);
      return ms;
    },
    encode: (ms) => (ms % 1000 === 0 ? `${ms / 1000}s` : ''),
    words: ['s', 'K', 'ſ', '٣', '1e3', '-1'],
  }),
  text('share-terms', {
    valid: (random) => random.pick(['2/3', '3/5', '2/2', ' 4/5 ']),
    decode: parseShareTerms,
    encode: ({ needed, total }) => `${needed}/${total}`,
  }),
  text('subnet', {
    valid: (random) => random.pick(['192.168.7.0/24', 'fd00::/8', '0.0.0.0/0', '::1/128', 'fe80::/10']),
    decode: (typed) => {
      const subnets = parseSubnets([typed]);
      subnets.serves(`/ip4/${typed}`);
      return subnets.serves('/ip6/::ffff:10.0.0.1/tcp/1');
    },
    words: ['::', '%lo', '/33', '/129', '/', '1.2.3.4', '::ffff:1.2.3.4', '0x7f.1'],
  }),
  text('peer-id', {
    valid: (random) => somePeer(random),
    decode: peerIdText,
    encode: String,
    words: ['12D3KooW', '0', 'l', 'O'],
  }),
  text('multiaddr', {
    valid: (random) => address(random) + random.pick(['', `/p2p/${MADE_UP.ann.peerId}`]),
    decode: (typed) => readTcpAddress(typed),
    refusals: [],
    words: [
      '/ip4',
      '/ip6',
      '/tcp',
      '/p2p',
      '/dns4/x',
      '/ip6zone/%',
      '/http-path/%2',
      '/unix/',
      '/memory/1',
      '/certhash/u',
      '%zz',
      '/ipcidr/24',
    ],
  }),
  text('default-routes', {
    valid: () =>
      'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n' +
      'eth0\t00000000\t0107A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n' +
      'eth0\t0007A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n',
    decode: readDefaultRoutes,
    refusals: [],
    words: ['00000000', '0107A8C0', 'ZZZZZZZZ', '\t'],
  }),
];
