import { isUtf8 } from 'node:buffer';
import type { Reader } from 'protobufjs';
import { MalformedRequest } from '../../contract/platform.problems.ts';
import { Problem } from '../../contract/problem.ts';

export const malformed = () => new Problem(MalformedRequest, 'The message is no protobuf of the type that the method takes');

/** Reads the length of what follows; the position where it ends, which is inside `limit`. */
export function open(reader: Reader, limit: number): number {
  const end = reader.uint32() + reader.pos;
  if (end > limit) throw malformed();
  return end;
}

/** Whatever has a length is as long as it says. */
export function close(reader: Reader, end: number): void {
  if (reader.pos !== end) throw malformed();
}

/** Protobuf's text is UTF-8. Decoding anything else would put replacement characters in place of what was meant. */
export function readText(reader: Reader): string {
  const end = open(reader, reader.len);
  const from = reader.pos;
  const bytes = reader.buf as Buffer;
  const text = bytes.toString('utf8', from, end);
  if (text.includes('\uFFFD') && !isUtf8(bytes.subarray(from, end))) throw malformed();
  reader.pos = end;
  return text;
}
