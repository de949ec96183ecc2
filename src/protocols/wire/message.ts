import {
  decodeMessage,
  encodeMessage,
  message,
  type Codec as ProtonsCodec,
  type Reader,
  type Writer,
} from 'protons-runtime';
import { ResettleError } from '../../common/errors.ts';

/**
 * Protobuf messages described by a table of fields instead of generated code: the table is also where each field's
 * limit stands, and it stays within the TypeScript that Node runs as it is. The wire is proto3, so any protobuf
 * implementation can speak it; docs/PROTOCOLS.md has the .proto text.
 */
type Scalar = 'bytes' | 'string' | 'uint64' | 'bool';

interface FieldBase {
  /** Field number, 1 to 15 here so that a tag is one byte. */
  readonly id: number;
}
interface ScalarField<S extends Scalar> extends FieldBase {
  readonly type: S;
  /** Longest value in bytes (bytes and string); required there. */
  readonly maxBytes?: number;
}
interface MessageField<T> extends FieldBase {
  readonly type: 'message';
  readonly codec: MessageCodec<T>;
}
interface RepeatedField<F> extends FieldBase {
  readonly type: 'repeated';
  readonly of: F;
  readonly maxCount: number;
}
type SingleField = ScalarField<Scalar> | MessageField<unknown>;
type Field = SingleField | RepeatedField<SingleField>;

type ValueOf<F> =
  F extends RepeatedField<infer Of>
    ? ValueOf<Of>[]
    : F extends MessageField<infer T>
      ? T | undefined
      : F extends ScalarField<'bytes'>
        ? Uint8Array
        : F extends ScalarField<'string'>
          ? string
          : F extends ScalarField<'uint64'>
            ? number
            : F extends ScalarField<'bool'>
              ? boolean
              : never;

type ElementOf<V> = Exclude<V, undefined>;
/** A decoded message: absent fields have proto3's defaults, absent messages are undefined. */
export type MessageOf<Fields> = {
  [K in keyof Fields]: ValueOf<Fields[K]> extends (infer E)[] ? ElementOf<E>[] : ValueOf<Fields[K]>;
};

export interface MessageCodec<T> {
  encode(value: Partial<T>): Uint8Array;
  /** Throws `damaged` for anything that is not this message within its limits. */
  decode(bytes: Uint8Array): T;
  readonly protons: ProtonsCodec<T, Partial<T>>;
}

export const bytesField = (id: number, maxBytes: number): ScalarField<'bytes'> => ({ id, type: 'bytes', maxBytes });
export const textField = (id: number, maxBytes: number): ScalarField<'string'> => ({ id, type: 'string', maxBytes });
export const countField = (id: number): ScalarField<'uint64'> => ({ id, type: 'uint64' });
export const flagField = (id: number): ScalarField<'bool'> => ({ id, type: 'bool' });
export const messageField = <T>(id: number, codec: MessageCodec<T>): MessageField<T> => ({
  id,
  type: 'message',
  codec,
});
export const listField = <F extends SingleField>(of: F, maxCount: number): RepeatedField<F> => ({
  id: of.id,
  type: 'repeated',
  of,
  maxCount,
});

const LENGTH_DELIMITED = 2;
const VARINT = 0;

function writeOne(field: SingleField, value: unknown, writer: Writer): void {
  if (field.type === 'message') {
    writer.uint32((field.id << 3) | LENGTH_DELIMITED);
    field.codec.protons.encode(value as object, writer);
  } else if (field.type === 'bytes') {
    writer.uint32((field.id << 3) | LENGTH_DELIMITED).bytes(value as Uint8Array);
  } else if (field.type === 'string') {
    writer.uint32((field.id << 3) | LENGTH_DELIMITED).string((value as string).toWellFormed());
  } else if (field.type === 'uint64') {
    writer.uint32((field.id << 3) | VARINT).uint64Number(value as number);
  } else {
    writer.uint32((field.id << 3) | VARINT).bool(value as boolean);
  }
}

function isDefault(field: SingleField, value: unknown): boolean {
  if (value === undefined) return true;
  if (field.type === 'bytes') return (value as Uint8Array).length === 0;
  return value === '' || value === 0 || value === false;
}

function readOne(field: SingleField, wireType: number, reader: Reader): unknown {
  const expected = field.type === 'uint64' || field.type === 'bool' ? VARINT : LENGTH_DELIMITED;
  if (wireType !== expected) throw new ResettleError('damaged', `field ${field.id} has wire type ${wireType}`);
  if (field.type === 'message') return field.codec.protons.decode(reader, reader.uint32());
  if (field.type === 'bool') return reader.bool();
  if (field.type === 'uint64') {
    const value = reader.uint64();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new ResettleError('damaged', `field ${field.id} is too large`);
    return Number(value);
  }
  const value = reader.bytes();
  if (value.length > (field.maxBytes ?? 0)) {
    throw new ResettleError('damaged', `field ${field.id} has ${value.length} bytes`);
  }
  return field.type === 'bytes' ? value : textOf(value);
}

/** The library's own reader makes half characters of bytes that are no UTF-8; proto3 forbids them. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function textOf(bytes: Uint8Array): string {
  return bytes.length === 0 ? '' : utf8.decode(bytes);
}

/** Numbers of a list one after another behind one length, as proto3 writes them by default. */
function readPacked(field: SingleField, reader: Reader, list: unknown[], maxCount: number): void {
  const end = reader.uint32() + reader.pos;
  while (reader.pos < end) {
    if (list.length >= maxCount)
      throw new ResettleError('damaged', `field ${field.id} has more than ${maxCount} items`);
    list.push(readOne(field, VARINT, reader));
  }
}

function defaultOf(field: Field): unknown {
  if (field.type === 'repeated') return [];
  if (field.type === 'bytes') return new Uint8Array(0);
  if (field.type === 'string') return '';
  if (field.type === 'uint64') return 0;
  return field.type === 'bool' ? false : undefined;
}

/** Makes the codec of a message from the table of its fields. */
export function defineMessage<const Fields extends Record<string, Field>>(
  fields: Fields,
): MessageCodec<MessageOf<Fields>> {
  type T = MessageOf<Fields>;
  const entries = Object.entries<Field>(fields);
  const byId = new Map(entries.map(([name, field]) => [field.id, { name, field }]));
  if (byId.size !== entries.length) throw new TypeError('two fields share one number');

  const protons = message<T, Partial<T>>(
    (value, writer, options = {}) => {
      if (options.lengthDelimited !== false) writer.fork();
      for (const [name, field] of entries) {
        const own = (value as Record<string, unknown>)[name];
        if (field.type === 'repeated') {
          for (const item of (own ?? []) as unknown[]) writeOne(field.of, item, writer);
        } else if (!isDefault(field, own)) {
          writeOne(field, own, writer);
        }
      }
      if (options.lengthDelimited !== false) writer.ldelim();
    },
    (reader, length) => {
      const value: Record<string, unknown> = {};
      for (const [name, field] of entries) value[name] = defaultOf(field);
      const end = length === undefined ? reader.len : reader.pos + length;
      if (end > reader.len) throw new ResettleError('damaged', 'a message is cut short');
      while (reader.pos < end) {
        const tag = reader.uint32();
        const known = byId.get(tag >>> 3);
        if (!known) {
          reader.skipType(tag & 7);
        } else if (known.field.type === 'repeated') {
          const list = value[known.name] as unknown[];
          if (list.length >= known.field.maxCount) {
            throw new ResettleError('damaged', `field ${known.field.id} has more than ${known.field.maxCount} items`);
          }
          const isPacked = known.field.of.type === 'uint64' && (tag & 7) === LENGTH_DELIMITED;
          if (isPacked) readPacked(known.field.of, reader, list, known.field.maxCount);
          else list.push(readOne(known.field.of, tag & 7, reader));
        } else {
          value[known.name] = readOne(known.field, tag & 7, reader);
        }
      }
      if (reader.pos !== end) throw new ResettleError('damaged', 'a message ends inside a field');
      return value as T;
    },
    // biome-ignore lint/correctness/useYield: protons asks for a streaming decoder; nothing of ours streams
    function* () {
      throw new TypeError('messages are decoded whole');
    },
  );
  return {
    protons,
    encode: (value) => encodeMessage(value, protons),
    decode: (bytes) => {
      try {
        return decodeMessage(bytes, protons);
      } catch (error) {
        if (error instanceof ResettleError) throw error;
        throw new ResettleError('damaged', 'a message from the network does not decode', { cause: error });
      }
    },
  };
}
