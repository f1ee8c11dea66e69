import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { dealt, load, requestOf, statusOfWhole } from './load.ts';

let server: Server | undefined;

async function serverThat(answer: Parameters<typeof createServer>[1]): Promise<number> {
  server = createServer(answer);
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

afterEach(() => server?.close());

describe('load', () => {
  it('counts what the server got, and has each request under way once', async () => {
    let got = 0;
    const tokens = new Set<string | undefined>();
    const port = await serverThat((request, response) => {
      got++;
      tokens.add(request.headers.authorization);
      response.setHeader('content-length', '2').end('{}');
    });
    const requests = ['a', 'b', 'c', 'd'].map((token) => requestOf({ method: 'GET', path: '/', token }));
    const result = await load(port, dealt(requests, 2), 0.2);
    expect(result.requests).toBe(got);
    expect(result.requests).toBeGreaterThan(10);
    expect(result.refused.size).toBe(0);
    expect([...tokens].sort()).toEqual(['Bearer a', 'Bearer b', 'Bearer c', 'Bearer d']);
  });

  it('tells how many answers were refusals', async () => {
    let got = 0;
    const port = await serverThat((_request, response) => {
      response.statusCode = ++got % 2 === 0 ? 429 : 200;
      response.setHeader('content-length', '0').end();
    });
    const { requests, refused } = await load(port, dealt([requestOf({ method: 'GET', path: '/' })], 1), 0.1);
    expect(refused.get(429)).toBe(Math.floor(requests / 2));
  });

  it('fails when the server hangs up', async () => {
    const port = await serverThat((request) => request.socket.destroy());
    await expect(load(port, dealt([requestOf({ method: 'GET', path: '/' })], 1), 0.1)).rejects.toThrow(
      /closed a connection|ECONNRESET/,
    );
  });
});

describe('an answer', () => {
  const whole = Buffer.from('HTTP/1.1 201 Created\r\nContent-Length: 2\r\nx: y\r\n\r\n{}');

  it('is whole only with its last byte', () => {
    for (let length = 0; length < whole.length; length++) expect(statusOfWhole(whole.subarray(0, length))).toBeUndefined();
    expect(statusOfWhole(whole)).toBe(201);
  });

  it('has no body after 204', () => expect(statusOfWhole(Buffer.from('HTTP/1.1 204 No Content\r\na: b\r\n\r\n'))).toBe(204));
});
