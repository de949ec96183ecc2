/** Changes to the fields of a protobuf message; those within fields too, where they look like messages. */
import type { Random } from '../../faults/scenario.ts';
import { edgeNumber, varint } from './integers.ts';

interface FieldBytes {
  readonly number: number;
  readonly wireType: number;
  /** Of a length-delimited field without its length. */
  readonly value: Buffer;
}

const VARINT = 0;
const DELIMITED = 2;
const FIELDS_MAX = 5_000;
const NUMBER_MAX = 2 ** 29 - 1;

function readVarint(bytes: Buffer, from: number): { value: bigint; end: number } | undefined {
  let value = 0n;
  for (let at = from; at < Math.min(bytes.length, from + 10); at++) {
    value |= BigInt(bytes[at]! & 0x7f) << BigInt(7 * (at - from));
    if (bytes[at]! < 0x80) return { value, end: at + 1 };
  }
  return undefined;
}

function fieldsOf(bytes: Buffer): FieldBytes[] | undefined {
  const fields: FieldBytes[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = readVarint(bytes, at);
    if (!tag || tag.value > 0xffff_ffffn || fields.length >= FIELDS_MAX) return undefined;
    const [number, wireType] = [Number(tag.value >> 3n), Number(tag.value & 7n)];
    const value = readVarint(bytes, tag.end);
    if (number === 0 || !value || (wireType !== VARINT && wireType !== DELIMITED)) return undefined;
    const from = wireType === VARINT ? tag.end : value.end;
    const end = wireType === VARINT ? value.end : value.end + Number(value.value);
    if (end > bytes.length) return undefined;
    fields.push({ number, wireType, value: bytes.subarray(from, end) });
    at = end;
  }
  return fields;
}

function written({ number, wireType, value }: FieldBytes): Buffer {
  const tag = varint(BigInt(number) * 8n + BigInt(wireType));
  return Buffer.concat(wireType === DELIMITED ? [tag, varint(BigInt(value.length)), value] : [tag, value]);
}

const GROUP = { start: 3, end: 4 } as const;

/** Fields that nobody knows: groups within groups, and values of fixed width. */
function oddField(random: Random): FieldBytes {
  const wireType = random.pick([GROUP.start, GROUP.end, 1, 5, 6, 7]);
  const number = 1 + random.integer(40);
  if (wireType !== GROUP.start) return { number, wireType, value: random.bytes(random.pick([0, 4, 8])) };
  const depth = random.integer(30) === 0 ? 20_000 : 1 + random.integer(20);
  return { number, wireType, value: Buffer.alloc(depth, (number * 8 + GROUP.start) & 0x7f) };
}

function changed(field: FieldBytes, random: Random, mutateInside: (bytes: Buffer) => Buffer): FieldBytes {
  const which = random.integer(8);
  if (which === 0) return { ...field, number: random.pick([1, 2, 3, 4, 5, 6, 7, 8, 15, 16, NUMBER_MAX]) };
  if (which === 1) return { ...field, wireType: random.pick([VARINT, DELIMITED, 1, 5]) };
  if (which === 2) return oddField(random);
  if (field.wireType === VARINT) {
    return { ...field, value: varint(edgeNumber(random, field.value.length), random.integer(4) === 0 ? 3 : 0) };
  }
  if (which === 3) return { ...field, value: Buffer.concat([field.value, field.value]) };
  if (which === 4) return { ...field, value: field.value.subarray(0, random.integer(field.value.length + 1)) };
  return { ...field, value: mutateInside(field.value) };
}

/** Undefined where the bytes are no message that it can follow. `mutateInside`: for what a field holds. */
export function mutateProtobuf(
  bytes: Buffer,
  random: Random,
  mutateInside: (bytes: Buffer) => Buffer,
): Buffer | undefined {
  const fields = fieldsOf(bytes);
  if (!fields) return undefined;
  const at = random.integer(fields.length + 1);
  const field = fields[at];
  const which = random.integer(7);
  if (!field) fields.push(fields.length > 0 && which < 4 ? random.pick(fields) : oddField(random));
  else if (which === 0) fields.splice(at, 1);
  else if (which === 1) fields.splice(at, 0, ...Array.from({ length: random.pick([1, 1, 40]) }, () => field));
  else if (which === 2) fields.splice(random.integer(fields.length), 0, ...fields.splice(at, 1));
  else fields[at] = changed(field, random, mutateInside);
  return Buffer.concat(fields.map(written));
}
