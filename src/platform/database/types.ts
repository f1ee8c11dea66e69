import { types as pgTypes } from 'pg';
import type { CustomTypesConfig } from 'pg';

type Parse = (text: string) => unknown;

/** '2026-11-20 09:03:04.1234+00' becomes '2026-11-20T09:03:04.123Z'. Finer than a millisecond is cut off, as in JavaScript. */
function parseTimestamptz(text: string): string {
  if (text.endsWith('+00') && text.length >= 22 && text.charCodeAt(4) === 45) {
    const fraction = text.length > 22 ? `${text.slice(20, -3)}00`.slice(0, 3) : '000';
    return `${text.slice(0, 10)}T${text.slice(11, 19)}.${fraction}Z`;
  }
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? text : date.toISOString(); // 'infinity' and years before Christ stay text
}

const asText: Parse = (text) => text;
// @types/pg describes it as a function; what `pg` exports is an object.
const arrays = pgTypes.arrayParser as unknown as {
  create(text: string, parse: (entry: string | null) => unknown): { parse(): unknown };
};
const arrayOf =
  (parse: Parse): Parse =>
  (text) =>
    arrays.create(text, (entry) => (entry === null ? null : parse(entry))).parse();

/** Where this platform reads a type otherwise than `pg`: nothing becomes a Date, int8 stays a string (it doesn't fit a number). */
const parsers = new Map<number, Parse>([
  [20, asText], // int8
  [1016, arrayOf(asText)],
  [1184, parseTimestamptz],
  [1185, arrayOf(parseTimestamptz)],
  [1082, asText], // date
  [1182, arrayOf(asText)],
  [1114, asText], // timestamp
  [1115, arrayOf(asText)],
  [1186, asText], // interval
  [1187, arrayOf(asText)],
  [1231, arrayOf(asText)], // numeric[]: `pg` makes floats of it, though numeric itself stays a string
]);

/** Type parsers for one pool or client (`types` in its options); `pg`'s global parsers stay as they are. */
export const types: CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    (format === 'binary' ? undefined : parsers.get(oid)) ?? pgTypes.getTypeParser(oid, format as 'text')) as never,
};
