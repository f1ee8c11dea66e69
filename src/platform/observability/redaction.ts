const CENSORED = '[redacted]';

/** The last part of a name whose value never reaches a log, in lower case without `-` and `_`: `smtpPassword`, `x-api-key`. */
const SECRET_ENDINGS =
  /(?:password|passphrase|secret|token|apikey|privatekey|secretkey|authorization|cookie|credentials?|email|phone)$/;

/** Whole names that are secret, personal, or may hold whatever a client sent. */
const SECRET_NAMES = new Set(
  (
    'passwordhash otp totp pin recoverycodes verificationcode emailaddress phonenumber firstname lastname fullname displayname ' +
    'birthdate dateofbirth iban cardnumber cvv body rawbody payload input query text content databaseurl redisurl rabbitmqurl connectionstring'
  ).split(' '),
);

/** Objects deeper than this are cut off: a log line isn't a dump. */
const DEEPEST = 5;

const verdicts = new Map<string, boolean>();

function isSecretName(name: string): boolean {
  let verdict = verdicts.get(name);
  if (verdict === undefined) {
    const plain = name
      .slice(name.lastIndexOf('.') + 1)
      .toLowerCase()
      .replaceAll(/[-_]/g, '');
    verdict = SECRET_NAMES.has(plain) || SECRET_ENDINGS.test(plain);
    // Names come from code, but a careless `log(request.query)` must not fill the memory.
    if (verdicts.size < 5000) verdicts.set(name, verdict);
  }
  return verdict;
}

/** The object itself when it holds nothing secret, otherwise a copy without it. */
export function redactObject<T extends object>(object: T): T {
  return redacted(object, 0) as T;
}

function redacted(value: object, depth: number): unknown {
  if (depth > DEEPEST) return '[too deep]';
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value))
    return value.map((item: unknown) => (item !== null && typeof item === 'object' ? redacted(item, depth + 1) : item));
  // An error's own fields stay out: a database driver puts the row's values there.
  if (value instanceof Error) return { type: value.name, message: value.message };
  // What has its own way of being written (dates, URLs) is left to it, and to `scrubLine`.
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return value;
  let copy: Record<string, unknown> | undefined;
  for (const name in value) {
    const before = (value as Record<string, unknown>)[name];
    let after = before;
    if (before !== undefined && before !== null && isSecretName(name)) after = CENSORED;
    // The log format writes this one out in full, without the fields.
    else if (depth === 0 && name === 'err') continue;
    else if (before !== null && typeof before === 'object') after = redacted(before, depth + 1);
    if (after !== before) (copy ??= { ...(value as Record<string, unknown>) })[name] = after;
  }
  return copy ?? value;
}

const URL_PASSWORD = /([a-z][a-z0-9+.-]{1,20}:\/\/)[^\s"'/@]{1,200}@/gi;
const EMAIL = /[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5}/g;
const JWT = /eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g;
const BEARER = /\b(Bearer|Basic) [\w.~+/=-]{8,}/g;

/**
 * The last look at a finished line: secrets that stand in the middle of a text (a database's error message, a URL).
 * Cheap for the lines that hold none: three searches for a short string.
 */
export function scrubLine(line: string): string {
  let scrubbed = line;
  // "@timestamp" stands before that, an address can't.
  if (scrubbed.indexOf('@', 32) >= 0) scrubbed = scrubbed.replaceAll(URL_PASSWORD, `$1${CENSORED}@`).replaceAll(EMAIL, CENSORED);
  if (scrubbed.includes('eyJ')) scrubbed = scrubbed.replaceAll(JWT, CENSORED);
  if (scrubbed.includes('Bearer ') || scrubbed.includes('Basic ')) scrubbed = scrubbed.replaceAll(BEARER, `$1 ${CENSORED}`);
  return scrubbed;
}
