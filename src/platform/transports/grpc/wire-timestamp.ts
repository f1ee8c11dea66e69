/** The years 0000 to 9999, which an ISO timestamp can say. */

const FIRST_SECOND = Date.parse('0000-01-01T00:00:00Z') / 1_000;
const LAST_SECOND = Date.UTC(9999, 11, 31, 23, 59, 59) / 1_000;
const WHOLE_SECONDS = 'YYYY-MM-DDTHH:MM:SS'.length;

export interface Instant {
  readonly seconds: number;
  readonly nanos: number;
}

/**
 * An ISO timestamp as protobuf has it. What is finer than a nanosecond is left out: protobuf can't say it.
 * @throws Error for text that is none; a handler answered it
 */
export function instantOf(text: string): Instant {
  const point = text.charCodeAt(WHOLE_SECONDS) === 46;
  const seconds = Date.parse(point ? `${text.slice(0, WHOLE_SECONDS)}Z` : text) / 1_000;
  if (!Number.isInteger(seconds)) throw new Error('a timestamp was answered that is no ISO timestamp in UTC');
  return {
    seconds,
    nanos: point
      ? Number(
          text
            .slice(WHOLE_SECONDS + 1, -1)
            .padEnd(9, '0')
            .slice(0, 9),
        )
      : 0,
  };
}

/**
 * The canonical text of an instant: three, six or nine digits after the second, as many as it takes.
 * Out of range it is text that no schema accepts.
 */
export function isoOf(seconds: number, nanos: number): string {
  if (seconds < FIRST_SECOND || seconds > LAST_SECOND || nanos < 0 || nanos > 999_999_999) return 'out of range';
  const millis = Math.floor(nanos / 1e6);
  const iso = new Date(seconds * 1_000 + millis).toISOString();
  const rest = nanos - millis * 1e6;
  if (rest === 0) return iso;
  const digits = rest % 1_000 === 0 ? String(rest / 1_000).padStart(3, '0') : String(rest).padStart(6, '0');
  return `${iso.slice(0, -1)}${digits}Z`;
}
