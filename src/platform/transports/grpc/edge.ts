import {
  constants,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { IncomingMessage } from 'node:http';
import type { Metadata } from '@grpc/grpc-js';
import proxyaddr from '@fastify/proxy-addr';
import { perAddress } from '../../contract/limit.ts';
import { MalformedRequest, NotFound, TooManyRequests } from '../../contract/platform.problems.ts';
import { Problem } from '../../contract/problem.ts';
import type { ProcessLog } from '../../observability/logger.ts';
import type { Metrics } from '../../observability/metrics.ts';
import { runInRequest } from '../../observability/request-context.ts';
import type { RequestRoute } from '../../observability/request-log.ts';
import type { RateLimits } from '../../security/rate-limits.ts';
import type { Refusals } from '../../security/refusals.ts';
import { IncomingCall } from './incoming-call.ts';
import { codeOf, statusDetails } from './status.ts';

export interface EdgeParts {
  readonly routes: ReadonlyMap<string, RequestRoute>;
  readonly trustProxy: readonly string[];
  /** How long a client may take to send its request, or to take its answer, in milliseconds. */
  readonly requestTimeout: number;
  readonly publicUrl: string | undefined;
  readonly log: Pick<ProcessLog, 'request' | 'logger'>;
  readonly metrics: Metrics;
  readonly limits: RateLimits;
  readonly refusals: Refusals;
}

type StreamListener = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, rawHeaders: string[]) => void;

/** Headers that say one thing. Node keeps the first of two: the other reader might keep the last. */
const SINGLE = ['authorization', 'idempotency-key', 'traceparent', 'grpc-timeout'];

/** Health and reflection have no limit in a contract, nor has what does not exist. */
const OUTSIDE_CONTRACTS = perAddress(1_200, '1m');

/** The header by which a call of gRPC's server is found again; whatever a client sends under it is replaced. */
const CALL = 'fondasi-call';

const SWEEP_MS = 1_000;

/** More pings than any keep-alive or bandwidth probe needs. */
const MOST_PINGS = 200;
const PINGS_MS = 10_000;

/** A longer wait overflows in gRPC's server, and nobody means it. Milliseconds. */
const LONGEST_TIMEOUT = 24 * 3_600_000;
const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000 };

/** What every call passes on its way in and out, before and after any operation. */
export class GrpcEdge {
  private readonly calls = new Map<string, IncomingCall>();
  private readonly trusted: ((address: string, index: number) => boolean) | undefined;
  private readonly sweeper: NodeJS.Timeout;
  private readonly countOutside: (address: string) => Promise<number>;
  private readonly parts: EdgeParts;
  private last = 0;

  constructor(parts: EdgeParts) {
    this.parts = parts;
    this.trusted = parts.trustProxy.length > 0 ? proxyaddr.compile([...parts.trustProxy]) : undefined;
    this.countOutside = parts.limits.byAddress('grpc', OUTSIDE_CONTRACTS);
    this.sweeper = setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  /** Stands before gRPC's own listener on the server. */
  guard(server: Http2Server): void {
    const [serve] = server.listeners('stream') as StreamListener[];
    server.removeAllListeners('stream');
    server.on('stream', ((stream, headers, flags, rawHeaders) =>
      this.admit(serve!, stream, headers, flags, rawHeaders)) as StreamListener as never);
    server.on('session', (session) => limitPings(session as ServerHttp2Session));
  }

  /** The call behind a handler's metadata. */
  callOf(metadata: Metadata): IncomingCall {
    return this.calls.get(String(metadata.get(CALL)[0]))!;
  }

  /** Subscriptions end; their clients are told that they may go on elsewhere. */
  stopSubscriptions(): void {
    for (const call of this.calls.values()) call.stop?.();
  }

  close(): void {
    clearInterval(this.sweeper);
  }

  private admit(serve: StreamListener, stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, raw: string[]) {
    const route = this.parts.routes.get(headers[':path'] as string);
    const call = new IncomingCall(stream, headers, route ?? NOWHERE, this.addressOf(stream, headers));
    const id = String(++this.last);
    this.calls.set(id, call);
    this.parts.metrics.requestStarted();
    stream.once('close', () => this.finished(id, call));
    headers[CALL] = id;
    if (isEndless(headers['grpc-timeout'])) delete headers['grpc-timeout'];
    const go = () => serve(stream, headers, flags, raw);
    try {
      this.parts.refusals.check(call.origin.address);
      checkMetadata(raw);
    } catch (problem) {
      return this.refuse(call, problem as Problem);
    }
    if (route?.operation !== undefined) return go();
    return void this.admitOutside(call, route === undefined && isGrpc(headers), go).catch((err: unknown) => {
      this.parts.log.logger.error({ err }, 'unexpected error');
      stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    });
  }

  private async admitOutside(call: IncomingCall, unknown: boolean, go: () => void): Promise<void> {
    const wait = await this.countOutside(call.origin.address);
    if (call.stream.destroyed || call.stream.closed) return;
    if (wait > 0) this.refuse(call, new Problem(TooManyRequests, undefined, { retryAfter: Math.ceil(wait / 1_000) }));
    else if (unknown) this.refuse(call, new Problem(NotFound), UNIMPLEMENTED);
    else go();
  }

  /** As far as trusted proxies tell it; the rules are the same as over HTTP. */
  private addressOf({ session }: ServerHttp2Stream, headers: IncomingHttpHeaders): string {
    const socket = session?.socket;
    const address = socket?.remoteAddress ?? 'unknown';
    if (!this.trusted || headers['x-forwarded-for'] === undefined) return address;
    return proxyaddr({ socket: { remoteAddress: address }, headers } as IncomingMessage, this.trusted);
  }

  /** Answers without reading the request. */
  private refuse(call: IncomingCall, problem: Problem, code: number = codeOf(problem.definition.status)) {
    const { stream, origin } = call;
    call.end(problem.definition.status);
    stream.on('error', () => {});
    stream.respond(
      {
        ':status': 200,
        'content-type': 'application/grpc+proto',
        'grpc-status': String(code),
        'grpc-message': encodeURI(problem.message),
        'grpc-status-details-bin': statusDetails(problem, origin.requestId, this.parts.publicUrl).toString('base64'),
        'x-request-id': origin.requestId,
      },
      { endStream: true },
    );
    stream.resume();
  }

  private finished(id: string, call: IncomingCall) {
    const { metrics, log, refusals } = this.parts;
    this.calls.delete(id);
    metrics.requestFinished();
    const { status, origin } = call;
    const { principal } = origin.caller ?? {};
    if (status === 401) refusals.count(origin.address);
    runInRequest(call.ids, () =>
      log.request({
        route: call.route,
        status,
        milliseconds: performance.now() - call.started,
        callerId: principal?.personId,
        orgId: principal?.organizationId,
        address: status >= 400 ? origin.address : undefined,
      }),
    );
  }

  /** Resets what does not come to its end: a request that is not finished, an answer that nobody takes. */
  private sweep() {
    const { requestTimeout, log } = this.parts;
    const before = performance.now() - requestTimeout;
    for (const call of this.calls.values()) {
      const unfinished = call.received === undefined && call.started < before;
      if (!unfinished && !(call.answered !== undefined && call.answered < before)) continue;
      log.logger.warn({ code: 'ERR_GRPC_REQUEST_TIMEOUT', address: call.origin.address }, 'call refused');
      call.end(408);
      call.stream.close(constants.NGHTTP2_CANCEL);
    }
  }
}

const UNIMPLEMENTED = 12;

/** What is asked for and does not exist counts as one, or a scanner would fill the log with its guesses. */
const NOWHERE: RequestRoute = { transport: 'grpc', method: 'POST', path: '*' };

/** Anything else is answered with 415 by gRPC's server. */
const isGrpc = (headers: IncomingHttpHeaders) => String(headers['content-type']).startsWith('application/grpc');

const isEndless = (timeout: unknown) =>
  typeof timeout === 'string' && Number.parseInt(timeout, 10) * (UNIT_MS[timeout.at(-1)!] ?? 0) > LONGEST_TIMEOUT;

/** @throws Problem */
function checkMetadata(rawHeaders: readonly string[]) {
  const twice = SINGLE.find((name) => isTwice(rawHeaders, name));
  if (twice) throw new Problem(MalformedRequest, `The metadata "${twice}" appears twice`);
}

/** Names stand at even places, values at odd ones. */
function isTwice(rawHeaders: readonly string[], name: string): boolean {
  let seen = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) if (rawHeaders[index] === name) seen++;
  return seen > 1;
}

/** Pings are answered below this code, for as little as they cost: whoever sends thousands of them is sent away. */
function limitPings(session: ServerHttp2Session) {
  let since = 0;
  let count = 0;
  session.on('ping', () => {
    const now = performance.now();
    if (now - since > PINGS_MS) {
      since = now;
      count = 0;
    }
    if (++count > MOST_PINGS) session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
  });
}
