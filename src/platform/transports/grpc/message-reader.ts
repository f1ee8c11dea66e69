import protobuf from 'protobufjs/minimal.js';
import type { Reader } from 'protobufjs';
import type { Portable, PortableField } from '../../contract/portable.ts';
import { wrapperName } from '../../contract/protocol-types.ts';
import type { ProtoLock } from './proto-lock.ts';
import { enumValueName, memberField, snakeCase } from './proto-names.ts';
import { readEntry, readJson } from './wire-json.ts';
import { close, malformed, open, readText } from './wire-read.ts';
import { isoOf } from './wire-timestamp.ts';

/** Reads a value that begins here; the position where what holds it ends, and how deep it is nested. */
type Read = (reader: Reader, limit: number, depth: number) => unknown;
/** Reads a message's content up to `end`. */
type ReadMessage = (reader: Reader, end: number, depth: number) => any;

interface FieldReader {
  /** Reads what has come and puts it where it belongs; false for a wire type that the field does not have. */
  take(target: any, reader: Reader, wireType: number, limit: number, depth: number): boolean;
}

interface ElementReader {
  readonly wireType: number;
  readonly read: Read;
  /** What an entry of a map has that was sent without a value: protobuf leaves zeros out. */
  readonly absent: () => unknown;
}

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;

/** As protobuf's own libraries have it; each level costs stack. */
const DEEPEST = 100;

/**
 * Reads protobuf as values of the contract's types, each in one walk, for the contract's schema to validate. Unknown fields are
 * dropped. An enum's value that nobody knows becomes a number, which no schema accepts.
 */
export class MessageReader {
  private readonly messages = new Map<string, ReadMessage>();
  private readonly lock: ProtoLock;

  constructor(lock: ProtoLock) {
    this.lock = lock;
  }

  /** @throws Problem MalformedRequest for bytes that are no such message */
  of(type: Portable & { kind: 'object' }): (bytes: Buffer) => any {
    const read = this.message(type);
    return (bytes) => {
      try {
        return read(protobuf.Reader.create(bytes), bytes.length, 0);
      } catch (error) {
        // The library's own ways to say that bytes end too soon or make no sense.
        throw error instanceof RangeError || REFUSED.test((error as Error).message) ? malformed() : error;
      }
    };
  }

  private message(type: Portable & { kind: 'object' | 'union' }): ReadMessage {
    const known = this.messages.get(type.name);
    if (known) return known;
    let compiled: ReadMessage | undefined;
    const read: ReadMessage = (reader, end, depth) => {
      if (depth > DEEPEST) throw malformed();
      compiled ??= type.kind === 'union' ? this.union(type) : this.fields(type.name, type.fields());
      return compiled(reader, end, depth);
    };
    this.messages.set(type.name, read);
    return read;
  }

  private number(message: string, field: string): number {
    return this.lock.messages[message]!.fields[field]!.number;
  }

  private fields(message: string, fields: readonly PortableField[]): ReadMessage {
    const readers: (FieldReader | undefined)[] = [];
    for (const field of fields) readers[this.number(message, snakeCase(field.name))] = this.field(field);
    const scalars: Record<string, unknown> = {};
    const containers: { name: string; make: () => object }[] = [];
    for (const { name, type, presence } of fields) {
      if (presence === 'nullable') scalars[name] = null;
      if (presence !== 'required') continue;
      if (type.kind === 'list') containers.push({ name, make: () => [] });
      else if (type.kind === 'map') containers.push({ name, make: () => ({}) });
      else if (ZERO[type.kind] !== undefined) scalars[name] = ZERO[type.kind];
    }
    return (reader, end, depth) => {
      const target: Record<string, unknown> = { ...scalars };
      for (const { name, make } of containers) target[name] = make();
      while (reader.pos < end) {
        const tag = reader.uint32();
        const field = readers[tag >>> 3];
        if (!field?.take(target, reader, tag & 7, end, depth)) reader.skipType(tag & 7);
      }
      close(reader, end);
      return target;
    };
  }

  /** The member that came last counts. Undefined where none came that is known. */
  private union({ name, tag, members }: Portable & { kind: 'union' }): ReadMessage {
    const readers: ({ value: string; read: ReadMessage } | undefined)[] = [];
    for (const { name: member, value, fields } of members())
      readers[this.number(name, memberField(value))] = { value, read: this.message({ kind: 'object', name: member, fields }) };
    return (reader, end, depth) => {
      let result: object | undefined;
      while (reader.pos < end) {
        const head = reader.uint32();
        const member = (head & 7) === LENGTH ? readers[head >>> 3] : undefined;
        if (member) result = { [tag]: member.value, ...member.read(reader, open(reader, end), depth + 1) };
        else reader.skipType(head & 7);
      }
      close(reader, end);
      return result;
    };
  }

  private field({ name, type, presence }: PortableField): FieldReader {
    if (type.kind === 'list' || type.kind === 'map') {
      const many = this.many(type, name);
      return presence === 'required' ? many : this.wrapped(type, name);
    }
    const { wireType, read } = this.element(type);
    const told = presence !== 'required' && type.kind === 'enum';
    return {
      take(target, reader, came, limit, depth) {
        if (came !== wireType) return false;
        const value = read(reader, limit, depth);
        // The value "not said" of an enum says no more than a field that is left out.
        if (!told || value !== 0) target[name] = value;
        return true;
      },
    };
  }

  /** A list or map in a message of its own, so that an absent one is not an empty one. */
  private wrapped(type: Portable & { kind: 'list' | 'map' }, name: string): FieldReader {
    const read = this.message({
      kind: 'object',
      name: wrapperName(type),
      fields: () => [{ name: 'items', type, presence: 'required' }],
    });
    return {
      take(target, reader, came, limit, depth) {
        if (came !== LENGTH) return false;
        target[name] = read(reader, open(reader, limit), depth + 1).items;
        return true;
      },
    };
  }

  private many(type: Portable & { kind: 'list' | 'map' }, name: string): FieldReader {
    const { wireType, read, absent } = this.element(type.of);
    if (type.kind === 'map')
      return {
        take(target, reader, came, limit, depth) {
          if (came !== LENGTH) return false;
          const end = open(reader, limit);
          readEntry(reader, end, target[name], absent, (inner, innerType) => {
            if (innerType !== wireType) throw malformed();
            return read(inner, end, depth + 1);
          });
          return true;
        },
      };
    return {
      take(target, reader, came, limit, depth) {
        if (came === wireType) target[name].push(read(reader, limit, depth));
        else if (came === LENGTH) {
          const end = open(reader, limit);
          while (reader.pos < end) target[name].push(read(reader, end, depth));
          close(reader, end);
        } else return false;
        return true;
      },
    };
  }

  private element(type: Portable): ElementReader {
    switch (type.kind) {
      case 'boolean':
        return { wireType: VARINT, read: (reader) => reader.bool(), absent: () => false };
      case 'int32':
        return { wireType: VARINT, read: (reader) => reader.int32(), absent: () => 0 };
      case 'int64':
        return { wireType: VARINT, read: (reader) => readInt64(reader), absent: () => '0' };
      case 'double':
        return { wireType: FIXED64, read: (reader) => reader.double(), absent: () => 0 };
      case 'enum':
        return { wireType: VARINT, read: this.enum(type), absent: () => 0 };
      case 'timestamp':
        return {
          wireType: LENGTH,
          read: (reader, limit) => readTimestamp(reader, open(reader, limit)),
          absent: () => isoOf(0, 0),
        };
      case 'json':
        return { wireType: LENGTH, read: (reader, limit) => readJson(reader, open(reader, limit)), absent: () => null };
      case 'object':
      case 'union': {
        const read = this.message(type);
        return {
          wireType: LENGTH,
          read: (reader, limit, depth) => read(reader, open(reader, limit), depth + 1),
          absent: () => read(protobuf.Reader.create(NOTHING), 0, 0),
        };
      }
      default:
        return { wireType: LENGTH, read: (reader) => readText(reader), absent: () => '' };
    }
  }

  private enum({ name, values }: Portable & { kind: 'enum' }): Read {
    const names = new Map<number, string>();
    for (const value of values) names.set(this.lock.enums[name]!.values[enumValueName(name, value)]!, value);
    return (reader) => {
      const number = reader.int32();
      return names.get(number) ?? number;
    };
  }
}

const REFUSED = /^(invalid |maximum nesting)/;

const NOTHING = Buffer.alloc(0);

const ZERO: Partial<Record<Portable['kind'], unknown>> = { string: '', id: '', boolean: false, int32: 0, int64: '0', double: 0 };

/** With the package `long` there, which protobufjs brings, a 64-bit number is read whole. */
const readInt64 = (reader: Reader) => reader.int64().toString();

function readTimestamp(reader: Reader, end: number): string {
  let seconds = 0;
  let nanos = 0;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === 8) seconds = Number(reader.int64());
    else if (tag === 16) nanos = reader.int32();
    else reader.skipType(tag & 7);
  }
  close(reader, end);
  return isoOf(seconds, nanos);
}
