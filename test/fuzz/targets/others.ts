/** Packets of discovery, requests at the local socket, rules of the catalogue, a desktop's settings database. */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { areasAsked } from '../../../src/api/areas-asked.ts';
import { callChecked } from '../../../src/api/checked.ts';
import { isMethod, type Method, requests, type Service } from '../../../src/api/contract.ts';
import { isErrorCode, ResettleError } from '../../../src/common/errors.ts';
import {
  announcement,
  goodbye,
  type HeardPacket,
  instanceName,
  question,
  readQuestion,
  readResponse,
  SERVICE_TAG,
} from '../../../src/node/discovery/packets.ts';
import { parseRule } from '../../../src/state/catalogue/load.ts';
import { fits, parsePattern } from '../../../src/state/catalogue/pattern.ts';
import { dumpDconf, readDconf } from '../../../src/state/dconf/dconf-database.ts';
import { readType } from '../../../src/state/dconf/gvariant-type.ts';
import type { Random } from '../../faults/scenario.ts';
import { type Target, target } from '../target.ts';
import { somePeer } from './fleet.ts';
import { address, hashHex, listOf, randomBytesOf, word } from './some.ts';
import { textOf } from './texts.ts';

interface DnsPacket {
  encode(packet: object): Buffer;
  decode(bytes: Uint8Array): HeardPacket;
}
const require = createRequire(import.meta.url);
/** The codec that multicast-dns uses. Its socket drops a packet that it throws for. */
const dnsPacket = createRequire(require.resolve('multicast-dns'))('dns-packet') as DnsPacket;

function decodePacket(bytes: Uint8Array): HeardPacket {
  try {
    return dnsPacket.decode(Buffer.from(bytes));
  } catch (cause) {
    throw new ResettleError('damaged', 'no DNS packet', { cause });
  }
}

function packet(random: Random): Buffer {
  const instance = instanceName(randomBytesOf(random), SERVICE_TAG);
  const made = random.pick([
    () =>
      announcement(
        SERVICE_TAG,
        instance,
        somePeer(random),
        listOf(random, 4, () => address(random)),
      ),
    () => question(SERVICE_TAG, instance, [{ instance: `x.${SERVICE_TAG}`, remainingMs: 9000 }]),
    () => goodbye(SERVICE_TAG, instance),
  ])();
  return dnsPacket.encode(structuredClone(made));
}

function heard(of: HeardPacket): unknown {
  readQuestion(of, SERVICE_TAG);
  return readResponse(of, SERVICE_TAG, () => true);
}

const WISH = {
  ...{ into: '/restored', strip: false, root: false, allowPrivileged: false, mapUsers: [{ from: 'ann', to: 'anna' }] },
  ...{ dryRun: true, from: 'desk', snapshot: 3, areas: ['network'], identity: 'new', onConflict: 'newer' },
};
const ASSOCIATE = {
  ...{ source: 'desk', destination: { kind: 'machine', machine: 'laptop' }, users: ['ann'], paths: ['/data'] },
  ...{ mapUsers: [], points: ['nas'], replicas: 2, shares: { needed: 2, total: 3 } },
};
const CALLS: Readonly<Partial<Record<Method, object>>> = {
  restore: WISH,
  restoreFolder: { ...WISH, dir: '/store', only: ['/home/ann'], passphrase: 'words of mine' },
  associate: { wishes: [ASSOCIATE] },
  capture: { paths: ['/home'], for: 'laptop', detach: false, points: ['nas'], replicas: 1, waitMs: 5 },
  plan: { paths: [], areas: ['all'] },
  fleetInvite: { expiresMs: 3_600_000, uses: 1, role: 'member' },
  fleetInit: { name: 'office', recovery: { out: '/x', passphrase: 'long enough' } },
  fleetTickets: { associations: ['a'], expiresMs: 3_600_000 },
  fleetJoin: { token: 'resettle-invite-1.x' },
  status: { goal: 'safe' },
  undo: { restore: '1' },
};

const nothing: Service = {
  async call(_method, request) {
    areasAsked((request as { areas?: string[] }).areas ?? []);
    return {};
  },
};

/** The first line names the method, as the address of a request does. */
async function request(bytes: Uint8Array): Promise<unknown> {
  const [method = '', ...body] = textOf(bytes).split('\n');
  if (!isMethod(method)) throw new ResettleError('usage', 'no such request');
  return callChecked(nothing, method, jsonOf(body.join('\n')), () => {}, new AbortController().signal);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ResettleError('usage', 'the request is not JSON', { cause });
  }
}

const RULES = new URL('../../../src/state/catalogue/rules/', import.meta.url);
const rules = readdirSync(RULES).filter((name) => name.endsWith('.yaml'));
const RULE_WORDS = [
  'id: ',
  'include:',
  'exclude:',
  '- ~/x',
  '- /etc/x',
  'treat:',
  '{path: /x, as: plain}',
  '&a',
  '*a',
  '<<: *a',
];
const dconf = ['compiled', 'written'].map((name) =>
  readFileSync(new URL(`../../vectors/dconf/${name}`, import.meta.url)),
);

export const OTHERS: readonly Target[] = [
  target({
    ...{ name: 'mdns-packet', shape: 'bytes', refusals: ['damaged'] },
    valid: packet,
    decode: (bytes) => heard(decodePacket(bytes)),
  }),
  target({
    ...{ name: 'mdns-records', shape: 'json', refusals: ['damaged'] },
    words: ['PTR', 'TXT', 'ANY', SERVICE_TAG, 'dnsaddr=/ip4/10.0.0.1/tcp/1', 'response', 'query'],
    valid: (random) => Buffer.from(JSON.stringify(decodePacket(packet(random)))),
    decode: (bytes) => heard(objectOf(jsonOrDamaged(textOf(bytes)))),
  }),
  ...(['restore', 'associate', 'capture', 'any'] as const).map((name) =>
    target({
      ...{
        name: `api-${name}`,
        shape: 'json',
        refusals: ['usage'],
        weight: 0.5,
        words: ['/x', 'all', 'network', '-1', 'machine'],
      },
      valid: (random) => Buffer.from(JSON.stringify(callOf(random, name))),
      decode: async (bytes) => {
        const { method, body } = objectOf(jsonOf(textOf(bytes))) as { method?: unknown; body?: unknown };
        // What is no text gets one: `String` of an object can throw by itself.
        const name = typeof method === 'string' ? method : JSON.stringify(method);
        return request(Buffer.from(`${name}\n${JSON.stringify(body) ?? ''}`));
      },
    }),
  ),
  target({
    ...{ name: 'catalogue-rule', shape: 'yaml', refusals: ['usage'], words: RULE_WORDS, weight: 0.4 },
    valid: (random) => {
      const name = random.pick(rules);
      return Buffer.concat([Buffer.from(`# ${name}\n`), readFileSync(new URL(name, RULES))]);
    },
    decode: (bytes) => {
      const text = textOf(bytes);
      const rule = parseRule(text, /^# ([a-z0-9.+-]+\.yaml)$/m.exec(text)?.[1] ?? 'x.yaml');
      for (const one of [...rule.include, ...rule.exclude, ...rule.never, ...rule.detect]) parsePattern(one);
    },
  }),
  target({
    ...{ name: 'catalogue-pattern', shape: 'words', refusals: [], words: ['*', '**', '/', '~', '..', 'a*b*c'] },
    valid: (random) => Buffer.from(`~/.config/${word(random)}/*/**/x*y`),
    decode: (bytes) => {
      const { names } = parsePattern(textOf(bytes));
      for (const name of names) if (name !== 'deep') fits(name.pieces, 'xaybzc');
    },
  }),
  target({
    ...{ name: 'dconf', shape: 'bytes', refusals: [], weight: 0.5 },
    valid: (random) => random.pick(dconf),
    decode: (bytes) => {
      const database = readDconf(Buffer.from(bytes));
      return database && dumpDconf(database);
    },
  }),
  target({
    ...{ name: 'gvariant-type', shape: 'words', refusals: [], words: ['a', '(', ')', '{', '}', 'v', 's', 'm', 'aaaa'] },
    valid: () => Buffer.from('a{sv}'),
    decode: (bytes) => readType(textOf(bytes)),
  }),
  target({
    ...{ name: 'error-code', shape: 'words', refusals: [], words: ['constructor', '__proto__', 'failed'] },
    valid: (random) => Buffer.from(hashHex(random)),
    decode: (bytes) => isErrorCode(textOf(bytes)),
  }),
];

function callOf(random: Random, name: 'restore' | 'associate' | 'capture' | 'any'): object {
  const all = Object.keys(CALLS).filter((one): one is Method => Object.hasOwn(requests, one));
  const method = name === 'any' ? random.pick(all) : name;
  return { method, body: CALLS[method] };
}

function jsonOrDamaged(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ResettleError('damaged', 'no JSON', { cause });
  }
}

const objectOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
