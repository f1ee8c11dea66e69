import protobuf from 'protobufjs/minimal.js';
import type { Writer } from 'protobufjs';
import type { Portable, PortableField } from '../../contract/portable.ts';
import type { ProtoLock } from './proto-lock.ts';
import { enumValueName, memberField, snakeCase } from './proto-names.ts';
import { wrapperName } from '../../contract/protocol-types.ts';
import { writeJson } from './wire-json.ts';
import { instantOf } from './wire-timestamp.ts';

type Write = (writer: Writer, value: any) => void;

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;

/** Text of this many digits is a number that JavaScript holds exactly; the others go through Long. */
const EXACT_DIGITS = 15;

/** Writes values of the contract's types as protobuf, each in one walk. Messages are compiled when they are first met. */
export class MessageWriter {
  private readonly messages = new Map<string, Write>();
  private readonly lock: ProtoLock;

  constructor(lock: ProtoLock) {
    this.lock = lock;
  }

  /** The bytes of one message. */
  of(type: Portable & { kind: 'object' }): (value: unknown) => Buffer {
    const write = this.message(type);
    return (value) => {
      const writer = protobuf.Writer.create();
      write(writer, value);
      return writer.finish() as Buffer;
    };
  }

  private message(type: Portable & { kind: 'object' | 'union' }): Write {
    const known = this.messages.get(type.name);
    if (known) return known;
    let compiled: Write | undefined;
    // It may hold itself, so it has to be there before it is compiled.
    const write: Write = (writer, value) =>
      (compiled ??= type.kind === 'union' ? this.union(type) : this.fields(type.name, type.fields()))(writer, value);
    this.messages.set(type.name, write);
    return write;
  }

  private number(message: string, field: string): number {
    return this.lock.messages[message]!.fields[field]!.number;
  }

  private fields(message: string, fields: readonly PortableField[]): Write {
    const writes = fields.map((field) => ({
      name: field.name,
      json: field.type.kind === 'json',
      write: this.field(field, this.number(message, snakeCase(field.name))),
    }));
    return (writer, value) => {
      for (const { name, json, write } of writes) {
        const item = value[name];
        // JSON's null is a value like any other.
        if (item !== undefined && (item !== null || json)) write(writer, item);
      }
    };
  }

  private union({ name, tag, members }: Portable & { kind: 'union' }): Write {
    const writes = new Map(
      members().map(({ value, name: member, fields }) => [
        value,
        this.delimited(this.number(name, memberField(value)), this.message({ kind: 'object', name: member, fields })),
      ]),
    );
    return (writer, value) => {
      const write = writes.get(value[tag]);
      if (!write) throw new Error(`no member of ${name} was answered`);
      write(writer, value);
    };
  }

  private delimited(number: number, write: Write): Write {
    const tag = number * 8 + LENGTH;
    return (writer, value) => {
      writer.uint32(tag).fork();
      write(writer, value);
      writer.ldelim();
    };
  }

  /** Of a value that is there. What is not told apart from its zero is left out then, as protobuf does. */
  private field({ type, presence }: PortableField, number: number): Write {
    const bare = presence === 'required';
    if (type.kind === 'list' || type.kind === 'map') {
      if (bare) return this.many(type, number);
      const items = this.many(type, this.number(wrapperName(type), 'items'));
      return this.delimited(number, items);
    }
    const write = this.one(type, number);
    const zero = bare ? ZERO[type.kind] : undefined;
    if (zero === undefined) return write;
    return (writer, value) => {
      // -0 is not the zero that is left out.
      if (!Object.is(value, zero)) write(writer, value);
    };
  }

  private many(type: Portable & { kind: 'list' | 'map' }, number: number): Write {
    if (type.kind === 'map') {
      const write = this.one(type.of, 2);
      const tag = number * 8 + LENGTH;
      return (writer, map: object) => {
        for (const [key, value] of Object.entries(map)) {
          writer.uint32(tag).fork().uint32(10).string(key);
          write(writer, value);
          writer.ldelim();
        }
      };
    }
    const packed = this.scalar(type.of);
    if (packed) {
      const all = this.delimited(number, (writer, items: unknown[]) => {
        for (const item of items) packed.write(writer, item);
      });
      return (writer, items) => {
        if (items.length > 0) all(writer, items);
      };
    }
    const write = this.one(type.of, number);
    return (writer, items: unknown[]) => {
      for (const item of items) write(writer, item);
    };
  }

  /** A field with its tag. */
  private one(type: Portable, number: number): Write {
    const scalar = this.scalar(type);
    if (scalar) {
      const tag = number * 8 + scalar.wireType;
      return (writer, value) => scalar.write(writer.uint32(tag), value);
    }
    const tag = number * 8 + LENGTH;
    switch (type.kind) {
      case 'timestamp':
        return this.delimited(number, writeTimestamp);
      case 'json':
        return this.delimited(number, writeJson);
      case 'object':
      case 'union':
        return this.delimited(number, this.message(type));
      default:
        return (writer, value) => void writer.uint32(tag).string(value);
    }
  }

  /** Undefined for what has a length. */
  private scalar(type: Portable): { wireType: number; write: Write } | undefined {
    switch (type.kind) {
      case 'boolean':
        return { wireType: VARINT, write: (writer, value) => void writer.bool(value) };
      case 'int32':
        return { wireType: VARINT, write: (writer, value) => void writer.int32(value) };
      case 'int64':
        return { wireType: VARINT, write: writeInt64 };
      case 'double':
        return { wireType: FIXED64, write: (writer, value) => void writer.double(value) };
      case 'enum':
        return { wireType: VARINT, write: this.enum(type) };
      default:
        return undefined;
    }
  }

  private enum({ name, values }: Portable & { kind: 'enum' }): Write {
    const numbers = new Map(values.map((value) => [value, this.lock.enums[name]!.values[enumValueName(name, value)]!]));
    return (writer, value) => {
      const number = numbers.get(value);
      if (number === undefined) throw new Error(`no value of ${name} was answered`);
      writer.int32(number);
    };
  }
}

const ZERO: Partial<Record<Portable['kind'], unknown>> = {
  string: '',
  id: '',
  boolean: false,
  int32: 0,
  int64: '0',
  double: 0,
};

function writeInt64(writer: Writer, text: string) {
  writer.int64(text.length <= EXACT_DIGITS ? Number(text) : text);
}

function writeTimestamp(writer: Writer, text: string) {
  const { seconds, nanos } = instantOf(text);
  if (seconds !== 0) writer.uint32(8).int64(seconds);
  if (nanos !== 0) writer.uint32(16).int32(nanos);
}
