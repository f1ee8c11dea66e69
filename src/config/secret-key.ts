import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartError } from '#platform/start-error';

const HOW_TO_MAKE_ONE = `make one with: node -p "require('crypto').randomBytes(32).toString('base64url')"`;

/** Says in one sentence why the key can't be used; undefined when it can. */
export function secretKeyFault(key: string): string | undefined {
  if (!/^[A-Za-z0-9_-]+={0,2}$/.test(key)) return `SECRET_KEY isn't base64url: ${HOW_TO_MAKE_ONE}`;
  const bytes = Buffer.from(key, 'base64url');
  if (bytes.length < 32) return `SECRET_KEY is too short, 32 random bytes are needed: ${HOW_TO_MAKE_ONE}`;
  return isGuessable(bytes) ? `SECRET_KEY is an example or was typed by hand, it must be random: ${HOW_TO_MAKE_ONE}` : undefined;
}

export const secretKeyMissing = `SECRET_KEY is missing, production needs one of its own: ${HOW_TO_MAKE_ONE}`;

/**
 * Text, counting bytes and repeated patterns are what examples and defaults are made of. The odds that 32 random bytes look
 * like one of them are below 1 in 10^12 (all printable: (95/256)^32; fewer than 16 different values: less still).
 */
function isGuessable(bytes: Buffer): boolean {
  const printable = bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
  const repeated = new Set(bytes).size < 16;
  const counting = bytes.every(
    (byte, index) => index === 0 || (byte - bytes[index - 1]! + 256) % 256 === (bytes[1]! - bytes[0]! + 256) % 256,
  );
  return printable || repeated || counting;
}

/** The key that the data folder holds; undefined when there is none. */
export const existingSecretKey = (dataDir: string): string | undefined => readKey(join(dataDir, 'secret.key'));

/** Reads the key that development keeps in the data folder (mode 0600), and makes it when there is none; safe when two processes race. */
export function generatedSecretKey(dataDir: string): string {
  const path = join(dataDir, 'secret.key');
  const existing = readKey(path);
  if (existing !== undefined) return existing;
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    mkdirSync(dataDir, { recursive: true });
    writeFileSync(draft, randomBytes(32).toString('base64url'), { mode: 0o600, flush: true });
    // A hard link fails when the other process was first, and never shows a half-written key.
    linkSync(draft, path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    if (code !== 'EEXIST') {
      throw new StartError(
        `The data folder ${dataDir} can't be written (${code}): make it writable for this user or set DATA_DIR to another folder.`,
      );
    }
  } finally {
    rmSync(draft, { force: true });
  }
  const made = readKey(path);
  if (made === undefined) throw new StartError(`The data folder ${dataDir} can't be used: ${path} couldn't be made.`);
  return made;
}

function readKey(path: string): string | undefined {
  let key: string;
  try {
    key = readFileSync(path, 'utf8').trim();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return undefined;
    throw new StartError(`${path} can't be read (${code}): make it readable for this user or set DATA_DIR to another folder.`);
  }
  if (secretKeyFault(key) === undefined) return key;
  throw new StartError(
    `${path} doesn't hold a key of 32 random bytes: restore it from a backup, what was encrypted with it is lost otherwise.`,
  );
}
