import { connect, type Socket } from 'node:net';
import { expect } from 'vitest';
import type { RunningApp } from './app.ts';

/** An answer as it came over the wire. */
export interface WireAnswer {
  /** Undefined when the connection was closed without an answer. */
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** All that came, of all answers. */
  readonly text: string;
}

/** A connection that sends bytes as they are. */
export class Wire {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  text = '';

  constructor({ url }: Pick<RunningApp, 'url'>) {
    const { hostname, port } = new URL(url);
    // Half open: the other side's FIN doesn't end ours, so a server that waits for it waits for ever.
    this.socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    this.socket.on('data', (chunk) => (this.text += chunk.toString('latin1')));
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve()));
  }

  write(bytes: string | Buffer): this {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'utf8') : bytes);
    return this;
  }

  /** Waits until the server hangs up, and reads the first answer. */
  async answer(): Promise<WireAnswer> {
    await new Promise<void>((resolve) => {
      this.socket.once('end', () => resolve());
      this.socket.once('close', () => resolve());
    });
    this.socket.destroy();
    return readAnswer(this.text);
  }
}

function readAnswer(text: string): WireAnswer {
  const [head = '', body = ''] = text.split(/\r\n\r\n([^]*)/);
  const [statusLine = '', ...lines] = head.split('\r\n');
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1];
  return {
    status: status === undefined ? undefined : Number(status),
    headers: Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    ),
    body,
    text,
  };
}

/** Sends the bytes and waits until the server hangs up. */
export const exchange = (app: Pick<RunningApp, 'url'>, bytes: string | Buffer): Promise<WireAnswer> =>
  new Wire(app).write(bytes).answer();

/** A request, put together without any care. Header lines stand as they are given. */
export function requestText(method: string, target: string, headers: readonly string[] = [], body: string | Buffer = '') {
  const lines = [`${method} ${target} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...headers];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), Buffer.from(body)]);
}

/** What would tell an attacker how the server is made: traces, paths, statements, names of libraries and their errors. */
const INTERNAL =
  /\n\s+at |node_modules|\/src\/|\.(ts|js|mjs)\b|#platform|\b(select|insert|update|delete) .+(from|into|set|where)\b|FST_|HPE_|ERR_|fastify|nestjs|zod|kysely|postgres|pg_|redis|SyntaxError|TypeError|Unexpected token|JSON at position/i;

export function expectNothingInternal({ text }: Pick<WireAnswer, 'text'>): void {
  expect(text).not.toMatch(INTERNAL);
  expect(text).not.toMatch(/^(server|x-powered-by):/im);
}

/** The answer is the problem with this code (or one of these), in its documented form. */
export function expectProblem(answer: WireAnswer, ...codes: readonly string[]): void {
  expect(answer.headers['content-type'], answer.text).toMatch(/^application\/problem\+json/);
  const problem = JSON.parse(answer.body);
  expect(codes).toContain(problem.code);
  expect(problem).toMatchObject({ type: `/problems/${problem.code}`, status: answer.status, title: expect.any(String) });
  expect(problem.requestId).toMatch(/^[0-9a-f]{16}$/);
  expectNothingInternal(answer);
}
