import { connect, type Socket } from 'node:net';

/** What one connection sends: requests that are ready to be written, one after the other, round and round. */
export interface Script {
  readonly requests: readonly Buffer[];
  /** Changes a request before it is sent once more. */
  readonly vary?: (request: Buffer) => void;
  /** Where an answer may say 200 and be none. */
  readonly isRefusal?: (answer: Buffer) => boolean;
}

export interface LoadResult {
  readonly requests: number;
  /** Answers without a status of success, by status. */
  readonly refused: ReadonlyMap<number, number>;
  readonly seconds: number;
}

/**
 * Keep-alive connections that each have one request under way, until the time is up and the last answer is there.
 *
 * It writes and reads HTTP/1.1 itself, only as much as a server of a bench sends: the load shares the machine with the
 * server and the database, and a client that is made for every case does far more
 * per request than this. What costs the same on both sides of a ratio pulls it towards 1.
 *
 * `awake`: it never sleeps. A server that answers more slowly than the load can ask finds it asleep at every answer, and the waking
 * (12 µs in a virtual machine) is counted as the server's CPU; one that is faster than the load never pays it.
 * For CPU per request, and only without a database that would need the core.
 */
export async function load(port: number, scripts: readonly Script[], seconds: number, awake = false): Promise<LoadResult> {
  let spinning = awake;
  const spin = () => void (spinning && setImmediate(spin));
  spin();
  const started = performance.now();
  const deadline = started + seconds * 1_000;
  const each = await Promise.all(scripts.map((script) => talk(port, script, deadline)));
  spinning = false;
  const refused = new Map<number, number>();
  for (const { statuses } of each)
    for (const [status, count] of statuses)
      if (status < 200 || status > 299) refused.set(status, (refused.get(status) ?? 0) + count);
  return {
    requests: each.reduce((sum, { requests }) => sum + requests, 0),
    refused,
    seconds: (performance.now() - started) / 1_000,
  };
}

/** Stands for a refusal that has no status of its own. */
const REFUSED = 400;

interface Talk {
  requests: number;
  statuses: Map<number, number>;
}

function talk(port: number, { requests, vary, isRefusal }: Script, deadline: number): Promise<Talk> {
  return new Promise((resolve, reject) => {
    const done: Talk = { requests: 0, statuses: new Map() };
    const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let received: Buffer | undefined;
    const send = () => {
      const request = requests[done.requests % requests.length]!;
      vary?.(request);
      socket.write(request);
    };
    socket.on('connect', send);
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('The server closed a connection that was in use.')));
    socket.on('data', (chunk: Buffer) => {
      received = received ? Buffer.concat([received, chunk]) : chunk;
      let status = statusOfWhole(received);
      if (status === undefined) return;
      if (isRefusal?.(received)) status = REFUSED;
      received = undefined;
      done.requests++;
      done.statuses.set(status, (done.statuses.get(status) ?? 0) + 1);
      if (performance.now() < deadline) return send();
      socket.removeAllListeners('close').end();
      resolve(done);
    });
  });
}

const LENGTH = /\r\ncontent-length: *(\d+)\r\n/i;

/** The status of an answer that is there as a whole; undefined while some of it is missing. */
export function statusOfWhole(received: Buffer): number | undefined {
  const end = received.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const head = received.toString('latin1', 0, end + 2);
  const status = Number(head.slice(9, 12));
  const length = LENGTH.exec(head);
  if (!length && status !== 204) throw new Error(`The answer has no content-length: ${head}`);
  const whole = end + 4 + Number(length?.[1] ?? 0);
  if (received.length > whole) throw new Error('The server sent more than one answer to a request.');
  return received.length === whole ? status : undefined;
}

export interface RequestParts {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly token?: string | undefined;
  readonly body?: string;
}

export function requestOf({ method, path, token, body }: RequestParts): Buffer {
  const lines = [`${method} ${path} HTTP/1.1`, 'host: localhost', 'accept: application/json'];
  if (token !== undefined) lines.push(`authorization: Bearer ${token}`);
  if (body !== undefined) lines.push('content-type: application/json', `content-length: ${Buffer.byteLength(body)}`);
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body ?? ''}`);
}

/** Deals `requests` out to `connections`, so that each request is on one connection only. */
export const dealt = (requests: readonly Buffer[], connections: number, vary?: Script['vary']): Script[] =>
  Array.from({ length: connections }, (_, index) => ({
    requests: requests.filter((_request, at) => at % connections === index),
    ...(vary && { vary }),
  }));
