import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Secrets } from '#platform/security/secrets';
import { type RunningApp, startApp } from './support/app.ts';
import { rowsOf } from './support/database.ts';
import { anonymous, newPerson, PASSWORD, Person, type Reply } from './support/person.ts';
import { Unauthenticated } from '#platform/contract/platform.problems';

let app: RunningApp;
let ann: Person;
let eve: Person;
/** The key that signs, unwrapped by whoever knows the secret key: tokens made with it are wrong in one place only. */
let signingKey: KeyObject;
let keyId: string;

beforeAll(async () => {
  app = await startApp();
  ann = await newPerson(app, 'Ann');
  eve = await (await newPerson(app, 'Eve')).foundOrganization('Eve & Co');
  const [row] = await rowsOf<{ id: string; private_key: Buffer }>(
    app.database.url,
    'select id, private_key from auth.signing_key',
  );
  keyId = row!.id;
  const key = app.app.get(Secrets).unwrap('signing keys', keyId, row!.private_key);
  signingKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' });
});
afterAll(() => app.close());

type Part = Record<string, unknown>;
const base64url = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const read = (token: string): { header: Part; claims: Part } => {
  const [header, claims] = token
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()));
  return { header, claims };
};
const es256 = (text: string, key: KeyObject) =>
  sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');

/** Ann's token with other parts, signed with the right key unless told otherwise. Undefined takes a part away. */
function tokenWith(
  claims: Part,
  header: Part = {},
  signature: (text: string) => string = (text) => es256(text, signingKey),
): string {
  const own = read(ann.token);
  const text = `${base64url({ ...own.header, ...header })}.${base64url({ ...own.claims, ...claims })}`;
  return `${text}.${signature(text)}`;
}

const me = (authorization: string): Promise<Reply> => anonymous(app).get('/users/me', { authorization });

const hmac = (secret: string | Buffer) => (text: string) => createHmac('sha256', secret).update(text).digest('base64url');
const replaced = (part: 0 | 1, value: unknown) => ann.token.split('.').with(part, base64url(value)).join('.');
const publicPem = () => createPublicKey(signingKey).export({ type: 'spki', format: 'pem' }) as string;
const publicDer = () => createPublicKey(signingKey).export({ type: 'spki', format: 'der' });
const signedInAgain = () => new Person(app, ann.email).signIn();

/** Always the same: nothing tells what was wrong. */
function expectRefused({ status, headers, body }: Reply): void {
  // The advice is the same for every reason.
  const { requestId, detail, ...rest } = body;
  expect(detail).toBe(Unauthenticated.help);
  expect([status, rest]).toEqual([
    401,
    {
      type: '/problems/platform/unauthenticated',
      code: 'platform/unauthenticated',
      status: 401,
      title: 'You are not signed in',
    },
  ]);
  expect(requestId).toMatch(/^[0-9a-f]{16}$/);
  expect(headers.get('www-authenticate')).toBe('Bearer');
}

test('a token made like the real ones, but for nothing, is good: what follows is refused for its one fault', async () => {
  expect((await me(`Bearer ${tokenWith({})}`)).status).toBe(200);
});

describe('claims', () => {
  const now = Math.floor(Date.now() / 1_000);
  test.each<[string, Part]>([
    ['expired', { exp: now - 1 }],
    ['expired long ago', { iat: 1, exp: 2 }],
    ['not valid yet', { nbf: now + 3_600 }],
    ['another issuer', { iss: 'https://evil.example' }],
    ['another audience', { aud: 'other' }],
    ['the audience in a list of others', { aud: ['other'] }],
    ...['iss', 'aud', 'sub', 'org', 'roles', 'sid', 'auth_time', 'iat', 'exp'].map((claim): [string, Part] => [
      `without ${claim}`,
      { [claim]: undefined },
    ]),
    ['an expiry that is text', { exp: String(now + 3_600) }],
    ['an expiry that is null', { exp: null }],
  ])('%s', async (_label, claims) => {
    expectRefused(await me(`Bearer ${tokenWith(claims)}`));
  });
});

describe('headers and keys', () => {
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const strangerJwk = { ...stranger.publicKey.export({ format: 'jwk' }), kid: 'mine' };

  test.each<[string, () => string]>([
    ['alg none', () => tokenWith({}, { alg: 'none' }, () => '')],
    ['alg None, with the old signature', () => tokenWith({}, { alg: 'nOnE' })],
    ['no alg', () => tokenWith({}, { alg: undefined })],
    ['HS256 with the public key as PEM', () => tokenWith({}, { alg: 'HS256' }, hmac(publicPem()))],
    ['HS256 with the public key as DER', () => tokenWith({}, { alg: 'HS256' }, hmac(publicDer()))],
    ['HS256 with nothing', () => tokenWith({}, { alg: 'HS256' }, hmac(''))],
    ['another key', () => tokenWith({}, {}, (text) => es256(text, stranger.privateKey))],
    ['another key, brought along', () => tokenWith({}, { jwk: strangerJwk }, (text) => es256(text, stranger.privateKey))],
    ['another key, named', () => tokenWith({}, { kid: 'mine', jwk: strangerJwk }, (text) => es256(text, stranger.privateKey))],
    [
      'another key, to be fetched',
      () => tokenWith({}, { jku: `${app.url}/keys`, x5u: `${app.url}/x` }, (text) => es256(text, stranger.privateKey)),
    ],
    [
      'an RSA key',
      () => tokenWith({}, { alg: 'RS256' }, (text) => sign('sha256', Buffer.from(text), rsa.privateKey).toString('base64url')),
    ],
    [
      'a signature as DER',
      () => tokenWith({}, {}, (text) => sign('sha256', Buffer.from(text), signingKey).toString('base64url')),
    ],
    ['a signature of zeros', () => tokenWith({}, {}, () => Buffer.alloc(64).toString('base64url'))],
    ['no signature', () => tokenWith({}, {}, () => '')],
    ['no key id', () => tokenWith({}, { kid: undefined })],
    ['an unknown key id', () => tokenWith({}, { kid: 'unknown' })],
    ['a key id that is a path', () => tokenWith({}, { kid: '../../../../dev/null' })],
    ['a key id that is a statement', () => tokenWith({}, { kid: "' union select 'a" })],
    ['a key id that is a prototype', () => tokenWith({}, { kid: '__proto__' })],
    ['a key id that is a number', () => tokenWith({}, { kid: 1 })],
    ['a key id that is a list', () => tokenWith({}, { kid: [keyId] })],
    ['another type', () => tokenWith({}, { typ: 'JWT' })],
    ['a type of identity tokens', () => tokenWith({}, { typ: 'id+jwt' })],
    ['no type', () => tokenWith({}, { typ: undefined })],
    ['an extension that is critical', () => tokenWith({}, { crit: ['exp2'], exp2: 1 })],
  ])('%s', async (_label, token) => {
    expectRefused(await me(`Bearer ${token()}`));
  });
});

describe('changed on the way', () => {
  test('with more roles, another organization, another person', async () => {
    const { claims } = read(ann.token);
    for (const change of [{ roles: ['owner'] }, { org: eve.organizationId }, { sub: eve.id }, { exp: 9_999_999_999 }])
      expectRefused(await me(`Bearer ${replaced(1, { ...claims, ...change })}`));
  });

  test('every character of it counts', async () => {
    // The last one of a part may hold bits that stand for nothing.
    for (let index = 0; index < ann.token.length; index += 7) {
      if (ann.token[index] === '.' || ann.token[index + 1] === '.' || index > ann.token.length - 3) continue;
      const token = `${ann.token.slice(0, index)}${ann.token[index] === 'A' ? 'B' : 'A'}${ann.token.slice(index + 1)}`;
      expectRefused(await me(`Bearer ${token}`));
    }
  });
});

describe('schemes', () => {
  test.each([
    'Bearer',
    'Bearer ',
    'Bearer  ',
    'Bearer x',
    'Bearer a.b',
    'Bearer a.b.c',
    'Bearer ..',
    'Bearer a.b.c.d.e',
    'Bearer null',
    'Basic YTpi',
    'Digest username="a"',
    'Token abc',
    'bearer',
    'Bearer\tx',
    'undefined',
    '"',
    `Bearer ${'.'.repeat(8_000)}`,
    `Bearer ${base64url('{"alg":"ES256","kid":')}.e30.x`,
    `Bearer ${base64url('null')}.${base64url('null')}.x`,
    `Bearer ${base64url('[]')}..`,
    'Bearer %00',
    'Bearer \u00ff\u00fe',
  ])('%s', async (authorization) => {
    expectRefused(await me(authorization));
  });

  test('nothing at all', async () => {
    expectRefused(await anonymous(app).get('/users/me'));
  });

  test('a scheme has no case (RFC 9110, 11.1)', async () => {
    for (const scheme of ['bearer', 'BEARER', 'bEaReR']) expect((await me(`${scheme} ${ann.token}`)).status).toBe(200);
    for (const other of [`Basic ${ann.token}`, `Bearer Bearer ${ann.token}`, `Bearer ${ann.token},${ann.token}`, ann.token])
      expectRefused(await me(other));
  });

  test('a token anywhere else is none', async () => {
    expect((await anonymous(app).get(`/users/me?access_token=${ann.token}`)).status).toBe(401);
    expectRefused(await anonymous(app).get('/users/me', { cookie: `access_token=${ann.token}` }));
  });
});

describe('ended sessions', () => {
  test('at once, and after a restart', async () => {
    const again = await signedInAgain();
    expect((await again.get('/users/me')).status).toBe(200);
    expect((await again.post('/auth/sign-out')).status).toBe(204);
    expectRefused(await again.get('/users/me'));
    const restarted = await startApp({ database: app.database, settings: { PUBLIC_URL: 'http://localhost:0' } });
    expectRefused(await anonymous(restarted).get('/users/me', { authorization: `Bearer ${again.token}` }));
    // Not because the restart forgot everybody.
    expect((await anonymous(restarted).get('/users/me', { authorization: `Bearer ${ann.token}` })).status).toBe(200);
    await restarted.close();
  });

  test('one session of a person; the others go on', async () => {
    const [first, second] = await Promise.all([signedInAgain(), signedInAgain()]);
    await first.post('/auth/sign-out');
    expectRefused(await first.get('/users/me'));
    expect((await second.get('/users/me')).status).toBe(200);
  });
});

test('a valid token with the ids of another organization finds nothing of it', async () => {
  const { body: room } = await eve.post('/chat/rooms', { name: 'Secret plans', visibility: 'open' });
  for (const path of [`/chat/rooms/${room.id}`, `/chat/rooms/${room.id}/messages`]) {
    const reply = await ann.get(path);
    expect(reply.status).toBe(404);
    expect(JSON.stringify(reply.body)).not.toContain('Secret plans');
  }
  expect((await ann.post('/auth/switch-organization', { organizationId: eve.organizationId })).body.code).toBe(
    'users/organization-not-found',
  );
  const { body } = await ann.post('/auth/sign-in', { email: ann.email, password: PASSWORD, organizationId: eve.organizationId });
  expect(body.code).toBe('users/organization-not-found');
});

test('the published keys are public, and verify what is signed', async () => {
  const { body, headers } = await anonymous(app).get('/.well-known/jwks.json');
  expect(headers.get('content-type')).toContain('application/json');
  expect(body.keys).toHaveLength(1);
  expect(Object.keys(body.keys[0]).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  expect(body.keys[0]).toMatchObject({ alg: 'ES256', crv: 'P-256', kty: 'EC', use: 'sig', kid: read(ann.token).header['kid'] });
});
