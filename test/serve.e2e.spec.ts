import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { newPerson, PASSWORD } from './support/person.ts';

const root = resolve(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'fondasi-serve-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Server {
  readonly process: ChildProcess;
  readonly url: string;
  /** The link that makes the first administrator, while there is none. */
  readonly setup: string | undefined;
  output(): string;
  ended: Promise<number>;
}

const running = new Set<ChildProcess>();
afterEach(async () => {
  for (const child of running) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

/** `fondasi serve` as an operator starts it. */
function launch(env: Record<string, string>, ...args: string[]) {
  const child = spawn(process.execPath, [join(root, 'bin/fondasi.js'), 'serve', ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], DATA_DIR: join(folder, 'data'), PORT: '0', GRPC_PORT: '0', ...env },
  });
  running.add(child);
  let output = '';
  child.stdout.on('data', (text) => (output += text));
  child.stderr.on('data', (text) => (output += text));
  const ended = once(child, 'exit').then(([code]) => {
    running.delete(child);
    return code as number;
  });
  return { process: child, output: () => output, ended };
}

async function start(env: Record<string, string> = {}): Promise<Server> {
  const launched = launch(env);
  const found = await vi.waitUntil(() => /Fondasi +(http\S+)/.exec(launched.output()), { timeout: 30_000 });
  return { ...launched, url: found[1]!, setup: /(http\S+\/setup#\S+)/.exec(launched.output())?.[1] };
}

async function refuses(env: Record<string, string>, ...args: string[]) {
  const { output, ended } = launch(env, ...args);
  return { code: await ended, said: output().trim() };
}

describe('what an operator can mend is one sentence, exit code 1, no stack trace', () => {
  let busy: ReturnType<typeof createServer>;
  beforeAll(async () => {
    busy = createServer().listen(0, '127.0.0.1');
    await once(busy, 'listening');
  });
  afterAll(() => busy.close());
  const busyPort = () => String((busy.address() as AddressInfo).port);

  test('a busy port', async () => {
    const { code, said } = await refuses({ PORT: busyPort() });
    expect(code).toBe(1);
    expect(said.split('\n').at(-1)).toBe(`Port ${busyPort()} is in use: stop what uses it, or set PORT to another one.`);
    expect(said).not.toMatch(/EADDRINUSE| {4}at /);
  });

  test('a busy port of gRPC', async () => {
    const { code, said } = await refuses({ GRPC_PORT: busyPort() });
    expect(code).toBe(1);
    expect(said.split('\n').at(-1)).toBe(
      `Port ${busyPort()} is in use: stop what uses it, or set GRPC_PORT to another one, or to off for no gRPC.`,
    );
    expect(said).not.toMatch(/EADDRINUSE| {4}at /);
  });

  test.each([
    ['a bad setting', { PORT: 'many' }, /^PORT is "many": set it to /],
    [
      'a module that is not there',
      { MODULES: 'users,shop' },
      /MODULES names "shop", which this product does not have: choose from auth, users, chat\.$/,
    ],
    [
      'a module without the one that it needs',
      { MODULES: 'chat' },
      /The module "chat" needs the module "users": add it to MODULES\.$/,
    ],
    [
      'an address that is not here',
      { HOST: '203.0.113.1' },
      /203\.0\.113\.1 is no address of this machine: set HOST to one that is/,
    ],
    [
      'a database that does not answer',
      { DATABASE_URL: 'postgres://x@127.0.0.1:9/x' },
      /^The database can't be reached \(.*\): check DATABASE_URL/,
    ],
    ['production without a key', { NODE_ENV: 'production' }, /^SECRET_KEY is missing, production needs one of its own/],
    [
      'a key that is an example',
      { SECRET_KEY: 'changemechangemechangemechangemechangemeche' },
      /^SECRET_KEY is an example or was typed by hand/,
    ],
  ])('%s', async (_, env, sentence) => {
    const { code, said } = await refuses(env as Record<string, string>);
    expect([code, said.split('\n').at(-1)]).toEqual([1, expect.stringMatching(sentence)]);
    expect(said).not.toContain('    at ');
  });

  test('--production is NODE_ENV=production', async () => {
    expect((await refuses({}, '--production')).said).toMatch(/^SECRET_KEY is missing/);
  });
});

test('a second start on the same folder is refused, and the first goes on', async () => {
  const first = await start();
  const { code, said } = await refuses({});
  expect([code, said.split('\n').at(-1)]).toEqual([1, expect.stringMatching(/^The data is in use by another Fondasi/)]);
  expect((await fetch(`${first.url}/health/ready`)).status).toBe(200);
  first.process.kill('SIGINT');
  expect(await first.ended).toBe(0);
});

test('the link makes the first administrator once, and what was said survives kill -9', async () => {
  const server = await start();
  const admin = { email: 'root@example.com', password: PASSWORD, name: 'Root' };
  const setUp = (url: string, token: string) =>
    fetch(`${url}/auth/set-up`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...admin, email: `${token.slice(0, 3)}${admin.email}`, token }),
    });
  const token = server.setup!.split('#')[1]!;
  expect((await setUp(server.url, 'wrong')).status).toBe(403);
  expect((await setUp(server.url, token)).status).toBe(204);
  const ann = await newPerson(server, 'Ann');
  const { body: room } = await ann.post('/chat/rooms', { name: 'Lasting' });
  const clientId = '0190b2f4-0000-7000-8000-0000000000aa';
  const { body: posted } = await ann.post(`/chat/rooms/${room.id}/messages`, { clientId, text: 'still here' });

  server.process.kill('SIGKILL');
  await server.ended;
  const next = await start();
  expect(next.setup).toBeUndefined();
  expect((await setUp(next.url, token)).status).toBe(409);
  const again = await ann.at(next).signIn();
  const { body } = await again.get(`/chat/rooms/${room.id}/messages`);
  expect(body.items).toEqual([posted]);
  // Sent again because the answer may have been lost: still one message.
  expect((await again.post(`/chat/rooms/${room.id}/messages`, { clientId, text: 'still here' })).body).toEqual(posted);
  next.process.kill('SIGTERM');
  expect(await next.ended).toBe(0);
});

test('a request that is on its way when the process is asked to stop gets its answer', async () => {
  const server = await start();
  const { hostname, port } = new URL(server.url);
  const body = JSON.stringify({ email: 'nobody@example.com', password: 'a wrong passphrase' });
  const socket = connect(Number(port), hostname);
  let received = '';
  socket.setEncoding('utf8').on('data', (text) => (received += text));
  await once(socket, 'connect');
  const head = `POST /auth/sign-in HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
  socket.write(head + body.slice(0, 20));
  // A second connection is answered after the first has been read this far.
  await fetch(`${server.url}/health/live`);
  server.process.kill('SIGTERM');
  await vi.waitFor(() => expect(fetch(`${server.url}/health/live`)).rejects.toThrow('fetch failed'), { timeout: 5_000 });
  socket.write(body.slice(20));
  await once(socket, 'close');
  expect(received).toMatch(/^HTTP\/1\.1 401 /);
  expect(received).toContain('auth/wrong-credentials');
  expect(await server.ended).toBe(0);
});

test('being told twice to stop, by a service manager and by whoever passes it on, is being told once', async () => {
  const server = await start();
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  const body = JSON.stringify({ email: 'nobody@example.com', password: 'a wrong passphrase' });
  const head = `POST /auth/sign-in HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
  socket.write(head + body.slice(0, 20));
  await fetch(`${server.url}/health/live`);
  server.process.kill('SIGTERM');
  await vi.waitFor(() => expect(fetch(`${server.url}/health/live`)).rejects.toThrow('fetch failed'), { interval: 10 });
  server.process.kill('SIGTERM');
  socket.write(body.slice(20));
  await once(socket.resume(), 'close');
  expect(await server.ended).toBe(0);
});

test('a client that never finishes can not hold the process up for more than ten seconds', { timeout: 30_000 }, async () => {
  const server = await start({ REQUEST_TIMEOUT: '60s' });
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.on('error', () => {});
  socket.write('POST /auth/sign-in HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{');
  await fetch(`${server.url}/health/live`);
  const asked = performance.now();
  server.process.kill('SIGTERM');
  expect(await server.ended).toBe(0);
  expect(performance.now() - asked).toBeLessThan(12_000);
});

test('it joins a database that runs already, and leaves it running', async () => {
  const env = { PATH: process.env['PATH'], DATA_DIR: join(folder, 'data') };
  const database = spawn(process.execPath, [join(root, 'bin/fondasi.js'), 'db'], { cwd: folder, env });
  running.add(database);
  await once(database.stdout, 'data');
  const server = await start();
  server.process.kill('SIGINT');
  expect(await server.ended).toBe(0);
  const again = await start();
  expect((await fetch(`${again.url}/health/ready`)).status).toBe(200);
  again.process.kill('SIGINT');
  await again.ended;
  expect(database.exitCode).toBeNull();
  database.kill('SIGINT');
  await once(database, 'exit');
  running.delete(database);
});
