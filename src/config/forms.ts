import { isIP } from 'node:net';
import { z } from 'zod';
import { parseDuration, parseSize } from './units.ts';

/** What the reference page and the error sentences say of a setting. */
export interface About {
  /** Heading of the reference page that the setting stands under. */
  group: string;
  /** One sentence: what the setting does. */
  description: string;
  /** What a right value looks like, so that "set it to …" reads well. */
  form: string;
  /** Never repeat the value in an error: it is a secret or may hold one (the password in a URL). */
  secret?: boolean;
}

/** A schema over the text of an environment variable, and the form that a right value has. */
export interface Form<S extends z.ZodType> {
  schema: S;
  form: string;
  secret?: boolean;
}

function parsed<T>(form: string, parse: (text: string) => T | undefined, secret = false) {
  const schema = z.string().transform((text, context): T => {
    const value = parse(text.trim());
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: 'wrong form' });
    return z.NEVER;
  });
  return { schema, form, secret };
}

export const text = (form: string) => parsed(form, (value) => value || undefined);
export const duration = parsed('a duration such as `500ms`, `10s`, `10m`, `2h` or `30d`', parseDuration);
export const size = parsed('a size such as `512kb` or `1mb`', parseSize);
export const port = whole(0, 65_535);
/** A port, or the word that there is none. */
export const portOrOff = parsed('a whole number from 0 to 65535, or `off`', (value): number | 'off' | undefined =>
  value === 'off' ? 'off' : port.schema.safeParse(value).data,
);
export const onOff = parsed('`on` or `off`', (value) => (value === 'on' ? true : value === 'off' ? false : undefined));

export function whole(from: number, to: number) {
  return parsed(`a whole number from ${from} to ${to}`, (value) => {
    const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
    return number >= from && number <= to ? number : undefined;
  });
}

export function oneOf<const T extends string>(...values: readonly T[]) {
  const quoted = values.map((value) => `\`${value}\``);
  return parsed(`${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`, (value) => values.find((known) => known === value));
}

/** A URL of one of the schemes; never echoed in errors, because it may carry a password. */
export function url(...schemes: string[]) {
  const form = `a URL that starts with ${schemes.map((scheme) => `\`${scheme}://\``).join(' or ')}`;
  return parsed(
    form,
    (value) => (URL.canParse(value) && schemes.includes(new URL(value).protocol.slice(0, -1)) ? value : undefined),
    true,
  );
}

/** Comma-separated values, each of which must pass. */
export function listOf(form: string, valid: (value: string) => boolean) {
  return parsed(form, (value): readonly string[] | undefined => {
    const values = value
      .split(',')
      .map((item) => item.trim())
      .filter(Boolean);
    return values.every(valid) ? Object.freeze(values) : undefined;
  });
}

export const isName = (value: string) => /^[a-z][a-z0-9]*$/.test(value);

export const isOrigin = (value: string) => URL.canParse(value) && new URL(value).origin === value;

export function isAddressRange(value: string): boolean {
  const [address = '', bits, ...rest] = value.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}
