/**
 * The packets of discovery: what is put into ours and what is taken from others'. Pure.
 *
 * The format is that of libp2p (https://github.com/libp2p/specs/blob/master/discovery/mdns.md): a PTR record from the
 * service's name to a random instance name, and TXT records `dnsaddr=<multiaddr>/p2p/<peer id>` of the instance.
 */
import { peerIdFromString } from '@libp2p/peer-id';
import { multiaddr } from '@multiformats/multiaddr';
import type { RandomBytes } from '../../common/clock.ts';
import { type PeerIdText, peerIdText } from '../../common/ids.ts';
import {
  DISCOVERED_ADDRESSES_PER_PEER_MAX,
  DISCOVERY_ADDRESSES_MAX,
  DISCOVERY_PACKET_MAX_BYTES,
  DISCOVERY_TTL_MS,
} from '../../common/limits.ts';

/** The service's name on the wire. A stock `@libp2p/mdns` with this `serviceTag` finds us and is found. */
export const SERVICE_TAG = '_resettle._udp.local';

const TTL_SECONDS = DISCOVERY_TTL_MS / 1000;
const DNSADDR = 'dnsaddr=';
/** Records of one kind and instances looked at in one packet. */
const HEARD_RECORDS_MAX = 64;
const HEARD_INSTANCES_MAX = 8;
/** Addresses tried in one packet, good or bad: reading one takes some 0.1 ms. */
const HEARD_STRINGS_MAX = 32;
const HEADER_BYTES = 12;
/** Type, class, TTL and length of a record. */
const RECORD_FIXED_BYTES = 10;
const TXT_STRING_MAX_BYTES = 255;

/** From the service's name to an instance's. TTL in seconds. */
export interface PtrRecord {
  type: 'PTR';
  name: string;
  class: 'IN';
  ttl: number;
  data: string;
}

/** One address of an instance. TTL in seconds. */
export interface TxtRecord {
  type: 'TXT';
  name: string;
  class: 'IN';
  ttl: number;
  data: string;
}

/** A question with what the asker knows already (RFC 6762, section 7.1). */
export interface QueryPacket {
  type: 'query';
  questions: { name: string; type: 'PTR' }[];
  answers: PtrRecord[];
}

/** An announcement or a goodbye. */
export interface ResponsePacket {
  type: 'response';
  answers: (PtrRecord | TxtRecord)[];
}

/** What we send. */
export type OutgoingPacket = QueryPacket | ResponsePacket;

/** A packet as a socket decoded it. Strangers made it: nothing in it has a known shape. */
export interface HeardPacket {
  readonly type?: unknown;
  readonly questions?: unknown;
  readonly answers?: unknown;
  readonly additionals?: unknown;
}

/** An instance known, and for how long still. */
export interface KnownInstance {
  /** The instance's full name. */
  readonly instance: string;
  readonly remainingMs: number;
}

/** A random instance name in lower case: no host or user name on the wire. */
export function instanceName(random: RandomBytes, serviceTag: string): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz234567';
  const label = Array.from(random(16), (byte) => letters[byte & 31]).join('');
  return `${label}.${serviceTag.toLowerCase()}`;
}

function nameBytes(name: string): number {
  return Buffer.byteLength(name) + 2;
}

function recordBytes(record: PtrRecord | TxtRecord): number {
  const dataBytes = record.type === 'PTR' ? nameBytes(record.data) : 1 + Buffer.byteLength(record.data);
  return nameBytes(record.name) + RECORD_FIXED_BYTES + dataBytes;
}

/** The bytes that a packet has on the wire: names are not compressed. */
export function packetBytes(packet: OutgoingPacket): number {
  let bytes = HEADER_BYTES;
  for (const record of packet.answers) bytes += recordBytes(record);
  if (packet.type === 'query') for (const question of packet.questions) bytes += nameBytes(question.name) + 4;
  return bytes;
}

function ptr(serviceTag: string, instance: string, ttl: number): PtrRecord {
  return { type: 'PTR', name: serviceTag, class: 'IN', ttl, data: instance };
}

/** Our announcement with as many of the addresses as may go. Addresses come without `/p2p`. */
export function announcement(
  serviceTag: string,
  instance: string,
  peerId: PeerIdText,
  addresses: readonly string[],
): ResponsePacket {
  const packet: ResponsePacket = { type: 'response', answers: [ptr(serviceTag, instance, TTL_SECONDS)] };
  let roomBytes = DISCOVERY_PACKET_MAX_BYTES - packetBytes(packet);
  for (const address of addresses) {
    const data = `${DNSADDR}${address}/p2p/${peerId}`;
    const record: TxtRecord = { type: 'TXT', name: instance, class: 'IN', ttl: TTL_SECONDS, data };
    if (Buffer.byteLength(data) > TXT_STRING_MAX_BYTES || recordBytes(record) > roomBytes) continue;
    if (packet.answers.length > DISCOVERY_ADDRESSES_MAX) break;
    packet.answers.push(record);
    roomBytes -= recordBytes(record);
  }
  return packet;
}

/** The last word of an instance: its record with TTL 0 and no address, which a stock node takes no notice of. */
export function goodbye(serviceTag: string, instance: string): ResponsePacket {
  return { type: 'response', answers: [ptr(serviceTag, instance, 0)] };
}

/**
 * Our question. Among the known answers is our own instance, so that our own question, heard back, asks nothing of us;
 * the others follow while there is room.
 */
export function question(serviceTag: string, ownInstance: string, known: readonly KnownInstance[]): QueryPacket {
  const packet: QueryPacket = {
    type: 'query',
    questions: [{ name: serviceTag, type: 'PTR' }],
    answers: [ptr(serviceTag, ownInstance, TTL_SECONDS)],
  };
  let roomBytes = DISCOVERY_PACKET_MAX_BYTES - packetBytes(packet);
  for (const { instance, remainingMs } of known) {
    const record = ptr(serviceTag, instance, Math.floor(remainingMs / 1000));
    if (recordBytes(record) > roomBytes) continue;
    packet.answers.push(record);
    roomBytes -= recordBytes(record);
  }
  return packet;
}

/** The known answers of a question that asks for our service. */
export interface HeardQuestion {
  /** Seconds still to live, by instance name in lower case. */
  readonly known: ReadonlyMap<string, number>;
  /** The instance that asks, when it names itself: the first known answer with all its time still to live. */
  readonly asker: string | undefined;
}

/** What one instance says in a response. */
export interface HeardInstance {
  /** Full name in lower case. */
  readonly instance: string;
  /** 0 is a goodbye. */
  readonly ttlSeconds: number;
  /** Undefined when the packet has no usable address of it. */
  readonly peerId: PeerIdText | undefined;
  /** `/ip4|ip6/…/tcp/…`, without `/p2p`. */
  readonly addresses: string[];
}

interface LooseRecord {
  readonly type: string;
  readonly name: string;
  readonly ttlSeconds: number;
  readonly data: unknown;
}

/** The records of a list, whatever it is: those with a type and a name, up to a limit. */
function looseRecords(list: unknown, type: 'PTR' | 'TXT'): LooseRecord[] {
  const found: LooseRecord[] = [];
  if (!Array.isArray(list)) return found;
  for (const item of list as unknown[]) {
    if (typeof item !== 'object' || item === null) continue;
    const { type: itemType, name, ttl, data } = item as Record<string, unknown>;
    if (itemType !== type || typeof name !== 'string') continue;
    const ttlSeconds = typeof ttl === 'number' && ttl > 0 ? ttl : 0;
    found.push({ type, name: name.toLowerCase(), ttlSeconds, data });
    if (found.length >= HEARD_RECORDS_MAX) break;
  }
  return found;
}

function ptrRecords(list: unknown, serviceTag: string): Map<string, number> {
  const byInstance = new Map<string, number>();
  for (const record of looseRecords(list, 'PTR')) {
    if (record.name !== serviceTag.toLowerCase() || typeof record.data !== 'string') continue;
    byInstance.set(record.data.toLowerCase(), record.ttlSeconds);
  }
  return byInstance;
}

/** The question for our service in a packet, or undefined when it asks for something else. Never throws. */
export function readQuestion(packet: HeardPacket, serviceTag: string): HeardQuestion | undefined {
  if (packet.type !== 'query' || !Array.isArray(packet.questions)) return undefined;
  const asked = (packet.questions as unknown[]).slice(0, HEARD_RECORDS_MAX).some((item) => {
    if (typeof item !== 'object' || item === null) return false;
    const { name, type } = item as Record<string, unknown>;
    if (typeof name !== 'string' || name.toLowerCase() !== serviceTag.toLowerCase()) return false;
    return type === 'PTR' || type === 'ANY';
  });
  if (!asked) return undefined;
  const known = ptrRecords(packet.answers, serviceTag);
  return { known, asker: [...known].find(([, ttlSeconds]) => ttlSeconds >= TTL_SECONDS)?.[0] };
}

/** The strings of a TXT record: decoders give one string or bytes, or a list of them. */
function txtStrings(data: unknown): string[] {
  const parts: unknown[] = Array.isArray(data) ? data.slice(0, HEARD_RECORDS_MAX) : [data];
  return parts
    .map((part) => (part instanceof Uint8Array ? Buffer.from(part).toString('utf8') : part))
    .filter((part): part is string => typeof part === 'string');
}

/** IP address, own form and peer id of a multiaddr `/ip4|ip6/…/tcp/…[/p2p/…]`, or undefined for any other text. */
export function readTcpAddress(
  text: string,
): { readonly ip: string; readonly address: string; readonly peerId: PeerIdText | undefined } | undefined {
  if (text.length > TXT_STRING_MAX_BYTES) return undefined;
  try {
    const [ip, tcp, p2p, ...rest] = multiaddr(text).getComponents();
    if (ip?.value === undefined || tcp?.value === undefined || rest.length > 0) return undefined;
    if ((ip.name !== 'ip4' && ip.name !== 'ip6') || tcp.name !== 'tcp' || tcp.value === '0') return undefined;
    if (p2p !== undefined && (p2p.name !== 'p2p' || p2p.value === undefined)) return undefined;
    // The text's form alone does not make it a peer id; a dialler would throw.
    const peerId = p2p?.value === undefined ? undefined : peerIdText(peerIdFromString(p2p.value).toString());
    return { ip: ip.value, address: `/${ip.name}/${ip.value}/tcp/${tcp.value}`, peerId };
  } catch {
    return undefined; // Not a multiaddr, or one that this version does not know: somebody else's business.
  }
}

function readInstance(
  instance: string,
  ttlSeconds: number,
  texts: readonly string[],
  isUsable: (ip: string) => boolean,
): HeardInstance {
  let peerId: PeerIdText | undefined;
  const addresses = new Set<string>();
  for (const text of texts) {
    if (!text.startsWith(DNSADDR)) continue;
    const read = readTcpAddress(text.slice(DNSADDR.length));
    if (read?.peerId === undefined || (peerId !== undefined && read.peerId !== peerId)) continue;
    if (!isUsable(read.ip)) continue;
    peerId = read.peerId;
    addresses.add(read.address);
    if (addresses.size >= DISCOVERED_ADDRESSES_PER_PEER_MAX) break;
  }
  return { instance, ttlSeconds, peerId, addresses: [...addresses] };
}

/**
 * The instances of our service in a response. Takes TXT records from the answers and the additional records, as others
 * put them here or there, and under any name when the packet speaks of one instance only. Never throws.
 *
 * @param isUsable whether a peer can be reached at that IP address by the interface that the packet came in by
 */
export function readResponse(
  packet: HeardPacket,
  serviceTag: string,
  isUsable: (ip: string) => boolean,
): HeardInstance[] {
  if (packet.type !== 'response') return [];
  const instances = [...ptrRecords(packet.answers, serviceTag)].slice(0, HEARD_INSTANCES_MAX);
  if (instances.length === 0) return [];
  const texts = [...looseRecords(packet.answers, 'TXT'), ...looseRecords(packet.additionals, 'TXT')];
  let stringsLeft = HEARD_STRINGS_MAX;
  return instances.map(([instance, ttlSeconds]) => {
    const named = texts.filter((record) => record.name === instance);
    const used = named.length === 0 && instances.length === 1 ? texts : named;
    const strings = used.flatMap((record) => txtStrings(record.data)).slice(0, stringsLeft);
    stringsLeft -= strings.length;
    return readInstance(instance, ttlSeconds, strings, isUsable);
  });
}
