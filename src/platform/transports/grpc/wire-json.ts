import type { Reader, Writer } from 'protobufjs';
import { malformed, open, readText, close } from './wire-read.ts';

/** google.protobuf.Value, Struct and ListValue: how JSON travels. */
const NULL = 8 * 1;
const NUMBER = 8 * 2 + 1;
const TEXT = 8 * 3 + 2;
const FLAG = 8 * 4;
const STRUCT = 8 * 5 + 2;
const LIST = 8 * 6 + 2;
/** Struct.fields, ListValue.values, the key of a map's entry. */
const FIRST = 8 * 1 + 2;
const ENTRY_VALUE = 8 * 2 + 2;

/** Deeper than any input may be; each level costs stack. */
const DEEPEST = 100;

/** Writes the fields of a Value. */
export function writeJson(writer: Writer, given: unknown): void {
  const value = typeof (given as Date | null)?.toJSON === 'function' ? (given as Date).toJSON() : given;
  if (value === null || value === undefined) writer.uint32(NULL).int32(0);
  else if (typeof value === 'number') writer.uint32(NUMBER).double(value);
  else if (typeof value === 'string') writer.uint32(TEXT).string(value);
  else if (typeof value === 'boolean') writer.uint32(FLAG).bool(value);
  else if (Array.isArray(value)) {
    writer.uint32(LIST).fork();
    for (const item of value) {
      writer.uint32(FIRST).fork();
      writeJson(writer, item);
      writer.ldelim();
    }
    writer.ldelim();
  } else {
    writer.uint32(STRUCT).fork();
    for (const [key, item] of Object.entries(value as object)) {
      if (item === undefined) continue;
      writer.uint32(FIRST).fork().uint32(FIRST).string(key).uint32(ENTRY_VALUE).fork();
      writeJson(writer, item);
      writer.ldelim().ldelim();
    }
    writer.ldelim();
  }
}

/** Reads a Value up to `end`. One without a kind is null. */
export function readJson(reader: Reader, end: number, depth = 0): unknown {
  if (depth > DEEPEST) throw malformed();
  let value: unknown = null;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === NUMBER) value = reader.double();
    else if (tag === TEXT) value = readText(reader);
    else if (tag === FLAG) value = reader.bool();
    else if (tag === STRUCT) value = readStruct(reader, open(reader, end), depth);
    else if (tag === LIST) value = readList(reader, open(reader, end), depth);
    else {
      if (tag === NULL) value = null;
      reader.skipType(tag & 7);
    }
  }
  close(reader, end);
  return value;
}

function readList(reader: Reader, end: number, depth: number): unknown[] {
  const items: unknown[] = [];
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === FIRST) items.push(readJson(reader, open(reader, end), depth + 1));
    else reader.skipType(tag & 7);
  }
  close(reader, end);
  return items;
}

function readStruct(reader: Reader, end: number, depth: number): Record<string, unknown> {
  const struct: Record<string, unknown> = {};
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === FIRST)
      readEntry(
        reader,
        open(reader, end),
        struct,
        () => null,
        (inner) => readJson(inner, open(inner, inner.len), depth + 1),
      );
    else reader.skipType(tag & 7);
  }
  close(reader, end);
  return struct;
}

/** An entry of a map; where its value was left out, it is `absent`. */
export function readEntry(
  reader: Reader,
  end: number,
  into: Record<string, unknown>,
  absent: () => unknown,
  readValue: (reader: Reader, wireType: number) => unknown,
): void {
  let key = '';
  let value: unknown;
  let came = false;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === FIRST) key = readText(reader);
    else if (tag >>> 3 === 2) {
      value = readValue(reader, tag & 7);
      came = true;
    } else reader.skipType(tag & 7);
  }
  close(reader, end);
  // As over REST: it would be the object's prototype.
  if (key === '__proto__') throw malformed();
  into[key] = came ? value : absent();
}
