const MILLISECONDS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const BYTES = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 } as const;

/** `500ms`, `10s`, `10m`, `2h` or `30d` in milliseconds; undefined when the text is none of these. A bare number has no unit: refused. */
export function parseDuration(text: string): number | undefined {
  return parseAmount(text, MILLISECONDS);
}

/** `512b`, `64kb`, `1mb` or `2gb` in bytes (1 kb = 1024 bytes); undefined when the text is none of these. */
export function parseSize(text: string): number | undefined {
  return parseAmount(text, BYTES);
}

function parseAmount(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^(\d{1,12}(?:\.\d{1,6})?)([a-z]{1,2})$/i.exec(text.trim());
  if (!match) return undefined;
  const unit = Object.hasOwn(units, match[2]!.toLowerCase()) ? units[match[2]!.toLowerCase()] : undefined;
  const amount = unit === undefined ? undefined : Math.round(Number(match[1]) * unit);
  return amount !== undefined && Number.isSafeInteger(amount) ? amount : undefined;
}
