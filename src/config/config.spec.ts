import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StartError } from '#platform/start-error';
import { loadConfig } from './config.ts';

const KEY = 'q3mGk1Zb0xWfUe7sT9rYvL2nJc5hDp8aKoXiBw4EtQM';

let cwd: string;
let warnings: string[];
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'fondasi-config-'));
  warnings = [];
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const load = (env: Record<string, string> = {}) => loadConfig(env, { cwd, warn: (sentence) => warnings.push(sentence) });
const file = (name: string, text: string) => writeFileSync(join(cwd, name), text);
function refusal(env: Record<string, string>): string[] {
  try {
    load(env);
  } catch (error) {
    if (error instanceof StartError) return error.message.split('\n');
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('defaults', () => {
  it('fit a laptop in development: loopback only, readable logs, a secret of its own', () => {
    expect(load()).toMatchObject({
      NODE_ENV: 'development',
      HOST: '127.0.0.1',
      PORT: 3000,
      LOG_FORMAT: 'pretty',
      DATA_DIR: join(cwd, 'data'),
    });
  });

  it('fit a server in production', () => {
    expect(load({ NODE_ENV: 'production', SECRET_KEY: KEY })).toMatchObject({
      HOST: '0.0.0.0',
      LOG_FORMAT: 'json',
      CORS_ORIGINS: [],
      TRUST_PROXY: [],
    });
  });

  it('turn durations into milliseconds and sizes into bytes', () => {
    expect(load()).toMatchObject({ ACCESS_TOKEN_TTL: 600_000, REFRESH_TOKEN_TTL: 2_592_000_000, BODY_LIMIT: 1_048_576 });
  });

  it('cannot be changed afterwards', () => {
    expect(() => Object.assign(load(), { PORT: 1 })).toThrow(TypeError);
  });
});

describe('files', () => {
  it('give way to the environment, and the general one to the one of the environment', () => {
    file('.env', 'PORT=1001\nLOG_LEVEL=warn\nOTEL_SERVICE_NAME=general');
    file('.env.test', 'PORT=1002\nLOG_LEVEL=error');
    expect(load({ NODE_ENV: 'test', PORT: '1003' })).toMatchObject({
      PORT: 1003,
      LOG_LEVEL: 'error',
      OTEL_SERVICE_NAME: 'general',
    });
  });

  it('may choose the environment, whose own file is then read too', () => {
    file('.env', 'NODE_ENV=test');
    file('.env.test', 'PORT=1002');
    expect(load()).toMatchObject({ NODE_ENV: 'test', PORT: 1002 });
  });

  it('count an empty value as left out', () => {
    file('.env', 'PORT=1001');
    expect(load({ PORT: '' }).PORT).toBe(1001);
  });
});

describe('a wrong setting', () => {
  it('is refused with one sentence each, all at once', () => {
    const sentences = refusal({ PORT: '70000', LOG_LEVEL: 'loud', ACCESS_TOKEN_TTL: '10', TRUST_PROXY: '10.0.0.0/99' });
    expect(sentences).toHaveLength(4);
    expect(sentences).toContain('PORT is "70000": set it to a whole number from 0 to 65535.');
    expect(sentences.join()).toMatch(/LOG_LEVEL is "loud": set it to `trace`, .* or `silent`\./);
  });

  it('never repeats a password', () => {
    expect(refusal({ DATABASE_URL: 'mysql://root:hunter2@db/x' }).join()).not.toContain('hunter2');
    expect(refusal({ CHAT_DATABASE_URL: 'mysql://root:hunter2@db/x' }).join()).not.toContain('hunter2');
  });

  it.each([
    [{ TLS_CERT_FILE: 'a.pem' }, 'TLS_KEY_FILE'],
    [{ DATABASE_POOLER: 'transaction', DATABASE_URL: 'postgres://h/d' }, 'DATABASE_DIRECT_URL'],
    [{ METRICS_PORT: '4000', PORT: '4000' }, 'METRICS_PORT'],
    [{ NODE_ENV: 'staging' }, 'NODE_ENV'],
    [{ CORS_ORIGINS: 'https://app.example.com/path' }, 'CORS_ORIGINS'],
  ])('%j is named: %s', (env, name) => {
    expect(refusal(env as Record<string, string>).join()).toContain(name);
  });
});

describe('the secret key', () => {
  it('is made once in development, readable by its owner only', () => {
    const first = load().SECRET_KEY;
    expect(Buffer.from(first, 'base64url')).toHaveLength(32);
    expect(statSync(join(cwd, 'data', 'secret.key')).mode & 0o777).toBe(0o600);
    expect(load().SECRET_KEY).toBe(first);
  });

  it('is not replaced when its file is damaged', () => {
    load();
    file('data/secret.key', 'gone');
    expect(refusal({})).toHaveLength(1);
    expect(readFileSync(join(cwd, 'data', 'secret.key'), 'utf8')).toBe('gone');
  });

  it.each([
    ['missing', undefined],
    ['short', 'q3mGk1Zb0xWfUe7sT9rY'],
    ['typed by hand', Buffer.from('correct horse battery staple 1234').toString('base64url')],
    ['an example of counting bytes', Buffer.from(Array.from({ length: 32 }, (_, i) => i)).toString('base64url')],
    ['one repeated character', 'A'.repeat(43)],
    ['not base64url', `${KEY}!`],
  ])('is refused in production when it is %s', (_, key) => {
    const sentences = refusal({ NODE_ENV: 'production', ...(key && { SECRET_KEY: key }) });
    expect(sentences).toHaveLength(1);
    expect(sentences[0]).toMatch(/^SECRET_KEY .*randomBytes\(32\)/);
    expect(sentences[0]).not.toContain(key ?? KEY);
  });
});

describe('databases of modules', () => {
  it('are found by the name of the module', () => {
    expect(load({ AUDIT_DATABASE_URL: 'postgres://h/audit' }).MODULE_DATABASE_URLS).toEqual({
      audit: 'postgres://h/audit',
    });
  });
});

describe('a misspelled name', () => {
  it('is warned about', () => {
    load({ DATABSE_URL: 'postgres://h/d', LOGLEVEL: 'debug' });
    expect(warnings.join()).toMatch(/DATABSE_URL.*did you mean DATABASE_URL\?.*LOGLEVEL.*did you mean LOG_LEVEL\?/);
  });

  it('is warned about in a file even when it is short', () => {
    file('.env', 'PROT=1');
    load();
    expect(warnings).toEqual(['PROT is not a setting and has no effect: did you mean PORT?']);
  });

  it('is not seen in what other programs use', () => {
    load({
      HOSTNAME: 'x',
      PWD: '/',
      HOME: '/',
      SHELL: 'sh',
      POST: '1',
      REDIS_HOST: 'x',
      npm_config_cache: 'x',
      PGHOST: 'x',
      NODE_PATH: 'x',
    });
    expect(warnings).toEqual([]);
  });
});
