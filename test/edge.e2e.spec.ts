import { once } from 'node:events';
import { connect, constants } from 'node:http2';
import { get } from 'node:https';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningApp, startApp } from './support/app.ts';
import { Certificate } from './support/certificate.ts';
import { anonymous, newPerson } from './support/person.ts';

describe('what every answer carries', () => {
  let app: RunningApp;
  beforeAll(async () => {
    app = await startApp({ settings: { CORS_ORIGINS: 'https://app.example.com' } });
  });
  afterAll(() => app.close());

  test('a browser is told to treat it as data, and no page of another origin may read it', async () => {
    const { headers } = await anonymous(app).get('/users/me', { origin: 'https://evil.example.com' });
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      'x-request-id': expect.stringMatching(/^[0-9a-f]{16}$/),
    });
    expect(headers.get('access-control-allow-origin')).toBeNull();
    expect(headers.get('server')).toBeNull();
    expect(headers.get('x-powered-by')).toBeNull();
  });

  test('a page of a configured origin may call, after asking', async () => {
    const origin = 'https://app.example.com';
    const asked = await anonymous(app).request('OPTIONS', '/chat/rooms', undefined, {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,idempotency-key',
    });
    expect(asked.status).toBe(204);
    expect(asked.headers.get('access-control-allow-origin')).toBe(origin);
    expect(asked.headers.get('access-control-allow-methods')).toContain('POST');
    expect(asked.headers.get('access-control-allow-headers')).toContain('idempotency-key');
    const called = await anonymous(app).get('/users/me', { origin });
    expect(called.headers.get('access-control-allow-origin')).toBe(origin);
    expect(called.headers.get('vary')).toContain('Origin');
  });

  test.each(['PATCH', 'PUT', 'DELETE'])('it may ask for %s', async (method) => {
    const asked = await anonymous(app).request('OPTIONS', '/users/me', undefined, {
      origin: 'https://app.example.com',
      'access-control-request-method': method,
    });
    expect(asked.headers.get('access-control-allow-methods')).toContain(method);
  });

  test('long answers are compressed for those who can read it, short ones are not', async () => {
    const long = await fetch(`${app.url}/api-docs/openapi.json`, { headers: { 'accept-encoding': 'gzip' } });
    expect(long.headers.get('content-encoding')).toBe('gzip');
    expect(((await long.json()) as { openapi: string }).openapi).toBe('3.1.0');
    const plain = await fetch(`${app.url}/api-docs/openapi.json`, { headers: { 'accept-encoding': 'identity' } });
    expect(plain.headers.get('content-encoding')).toBeNull();
    const short = await fetch(`${app.url}/users/me`, { headers: { 'accept-encoding': 'gzip' } });
    expect(short.headers.get('content-encoding')).toBeNull();
  });
});

/** The statuses of more sign-ins than one address may try. */
const flood = async (app: RunningApp, forwarded: (call: number) => string) => {
  const statuses = new Set<number>();
  for (let call = 0; call < 35; call++) {
    const reply = await fetch(`${app.url}/auth/sign-in`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': forwarded(call) },
      body: '{}',
    });
    statuses.add(reply.status);
  }
  return statuses;
};

describe('addresses', () => {
  test('behind a trusted proxy the client is whom the proxy names', async () => {
    const app = await startApp();
    expect(await flood(app, (call) => `10.1.2.${call}`)).toEqual(new Set([400]));
    expect(await flood(app, () => '10.9.9.9')).toEqual(new Set([400, 429]));
    // What the client itself put in front is not believed: the last address is the one that the proxy saw.
    expect(await flood(app, (call) => `10.7.7.${call}, 10.8.8.8`)).toEqual(new Set([400, 429]));
    await app.close();
  });

  test('one that tries tokens is not heard any more for a while', async () => {
    const app = await startApp();
    const thief = anonymous(app);
    const attempt = async () => (await thief.get('/users/me', { authorization: 'Bearer made.up.token' })).status;
    const statuses: number[] = [];
    for (let call = 0; call < 310; call++) statuses.push(await attempt());
    expect(new Set(statuses.slice(0, 300))).toEqual(new Set([401]));
    expect(await attempt()).toBe(429);
    expect((await anonymous(app).get('/users/me')).status).toBe(401);
    await app.close();
  });

  test('without one nobody can choose their address', async () => {
    const app = await startApp({ settings: { TRUST_PROXY: '' } });
    expect(await flood(app, (call) => `10.1.2.${call}`)).toEqual(new Set([400, 429]));
    await app.close();
  });
});

describe('with a certificate', () => {
  const certificate = new Certificate();
  const { ca, settings } = certificate;
  let app: RunningApp;
  beforeAll(async () => {
    app = await startApp({ settings });
  });
  afterAll(async () => {
    await app.close();
    certificate.remove();
  });

  test('HTTP/2 is spoken over TLS, with strict transport security', async () => {
    const session = connect(app.url, { ca });
    const request = session.request({ ':path': '/users/me' });
    const [headers] = (await once(request, 'response')) as [Record<string, unknown>];
    expect(headers[constants.HTTP2_HEADER_STATUS]).toBe(401);
    expect(headers['strict-transport-security']).toMatch(/^max-age=\d{8}/);
    let body = '';
    for await (const part of request.setEncoding('utf8')) body += part;
    expect(JSON.parse(body).code).toBe('platform/unauthenticated');
    expect((session.socket as any).getProtocol()).toBe('TLSv1.3');
    session.close();
    await once(session, 'close');
  });

  test('a stream whose body never comes is ended and logged; one that is under way does not hold up a stop', async () => {
    const slow = await startApp({ settings: { ...settings, REQUEST_TIMEOUT: '1s' } });
    const session = connect(slow.url, { ca });
    const request = session.request({ ':method': 'POST', ':path': '/auth/sign-in', 'content-type': 'application/json' });
    request.on('error', () => {});
    request.write('{');
    await once(request, 'close');
    expect(request.rstCode).toBe(constants.NGHTTP2_CANCEL);
    await untilLogged(slow, 'connection refused');
    await slow.close();
    if (!session.closed) await once(session, 'close');
  });

  test('HTTP/1.1 is still answered', async () => {
    const status = await new Promise((resolve, reject) => {
      get(`${app.url}/health/live`, { ca, agent: false }, (reply) => {
        reply.resume();
        resolve(`${reply.httpVersion} ${reply.statusCode}`);
      }).on('error', reject);
    });
    expect(status).toBe('1.1 200');
  });

  test('a certificate that can not be read is one sentence', async () => {
    const missing = { ...settings, TLS_CERT_FILE: `${settings['TLS_CERT_FILE']}.none.pem` };
    await expect(startApp({ settings: missing, database: app.database })).rejects.toThrow(
      /^TLS_CERT_FILE names .*none\.pem, which can't be read/,
    );
  });
});

test('a person from sign-up to signing out is logged without anything that is theirs', async () => {
  const app = await startApp({ settings: { LOG_LEVEL: 'trace' } });
  const ann = await newPerson(app, 'Annabelle');
  await ann.post('/chat/rooms', { name: 'Secret garden' }, { cookie: 'session=a-cookie' });
  await ann.get(`/users/me?token=in-the-query`);
  await ann.post('/auth/sign-in', { email: ann.email, password: 'a wrong passphrase' });
  await ann.post('/auth/sign-out');
  const { id, token, refreshToken, email } = ann;
  const logged = await untilLogged(app, '/auth/sign-out');
  const lines = logged
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const created = lines.find((line) => line['event.action'] === 'chat.rooms.create');
  expect(created).toMatchObject({
    'url.path': '/chat/rooms',
    'http.response.status_code': 201,
    'user.id': id,
    'http.request.id': expect.stringMatching(/^[0-9a-f]{16}$/),
    'trace.id': expect.stringMatching(/^[0-9a-f]{32}$/),
  });
  for (const secret of [token, refreshToken, email, 'passphrase', 'Annabelle', 'Secret garden', 'a-cookie', 'in-the-query'])
    expect(logged).not.toContain(secret);
  await app.close();
});

async function untilLogged(app: RunningApp, text: string): Promise<string> {
  for (const end = Date.now() + 5_000; Date.now() < end;) {
    if (app.logged().includes(text)) return app.logged();
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`"${text}" was not logged`);
}
