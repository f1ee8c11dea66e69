import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { freePort } from './ports.ts';

const root = resolve(import.meta.dirname, '../..');
const fixtures = join(import.meta.dirname, 'fixtures');

/** A test run of its own on the fixtures; resolves to its exit code and the last lines that it wrote. */
async function run(env: Record<string, string>) {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const child = spawn(process.execPath, [vitest, 'run', '--root', fixtures], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  const [code] = (await once(child, 'close')) as [number];
  return { code, lines: Buffer.concat(output).toString().trim().split('\n') };
}

it('a service that does not answer: the run names what it left out and why, and succeeds', async () => {
  const port = await freePort();
  const { code, lines } = await run({ REDIS_URL: `redis://127.0.0.1:${port}` });
  expect(lines).toEqual([
    `1 test left out: Redis doesn't answer at 127.0.0.1:${port}; REDIS_URL names another one`,
    '1 passed, 0 failed, 1 skipped',
  ]);
  expect(code).toBe(0);
}, 20_000);

it('a service that is required and does not answer: the run fails', async () => {
  const { code, lines } = await run({ REDIS_URL: `redis://127.0.0.1:${await freePort()}`, REQUIRE_SERVICES: '1' });
  expect(lines.at(-1)).toBe('0 passed, 1 failed, 0 skipped');
  expect(code).toBe(1);
}, 20_000);

it('a service that answers: nothing is left out', async () => {
  const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { code, lines } = await run({ REDIS_URL: `redis://127.0.0.1:${port}`, REQUIRE_SERVICES: '1' });
  server.close();
  expect(lines).toEqual(['2 passed, 0 failed, 0 skipped']);
  expect(code).toBe(0);
}, 20_000);
