import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { HeadersTooLarge, MalformedRequest, PayloadTooLarge, RequestTimeout } from '../../contract/platform.problems.ts';
import { Problem, type ProblemDefinition } from '../../contract/problem.ts';
import { randomHex } from '../../observability/request-context.ts';
import type { Reports } from './edge.ts';
import { problemBody } from '../../operations/problem-body.ts';

const PROBLEMS: Record<string, ProblemDefinition> = {
  ERR_HTTP_REQUEST_TIMEOUT: RequestTimeout,
  HPE_HEADER_OVERFLOW: HeadersTooLarge,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: PayloadTooLarge,
};

/** How long the other side may take to read the answer and hang up, before the connection is cut, in milliseconds. */
const LINGER = 1_000;

/** For a request that never became one: sent too slowly, broken off, or no HTTP at all. It is answered where that makes sense, logged, and the connection ends. */
export const refuseConnection = (log: Reports) => (error: NodeJS.ErrnoException, socket: Socket) => {
  if (socket.destroyed) return;
  if (error.code === 'ECONNRESET') return void socket.destroy();
  const requestId = randomHex(8);
  log.warn({ code: error.code, address: socket.remoteAddress, requestId }, 'connection refused');
  if (!socket.writable) return void socket.destroy();
  const due = answerDue(socket);
  if (due) return void due.once('close', () => socket.destroySoon());
  const problem = new Problem(PROBLEMS[error.code ?? ''] ?? MalformedRequest);
  const { status } = problem.definition;
  const body = JSON.stringify(problemBody(problem, requestId));
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'content-type: application/problem+json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      'cache-control: no-store',
      `x-request-id: ${requestId}`,
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  );
  // Half a connection would stay open for as long as the other side likes.
  setTimeout(() => socket.destroy(), LINGER).unref();
};

/** The answer to a whole request that came before the wrong bytes. It goes out first: another one would be taken for it. */
function answerDue(socket: Socket): ServerResponse | undefined {
  const { _httpMessage: answer } = socket as Socket & { _httpMessage?: ServerResponse | null };
  return answer && (answer.headersSent || answer.req.complete) ? answer : undefined;
}
