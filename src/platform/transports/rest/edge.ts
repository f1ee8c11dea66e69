import { isUtf8 } from 'node:buffer';
import fastifyCompress from '@fastify/compress';
import fastifyCors from '@fastify/cors';
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifyServerOptions } from 'fastify';
import { MalformedRequest, MethodNotAllowed, NotFound } from '../../contract/platform.problems.ts';
import { Problem } from '../../contract/problem.ts';
import { type ProcessLog } from '../../observability/logger.ts';
import type { Metrics } from '../../observability/metrics.ts';
import { randomHex } from '../../observability/request-context.ts';
import type { Refusals } from '../../security/refusals.ts';
import { limitHttp2 } from './http2-limits.ts';
import { replyProblem } from './problem-reply.ts';
import { limitRefusals } from './refusals.ts';
import { refuseConnection } from './refused-connection.ts';
import { observeRequests } from './request-observation.ts';

export interface EdgeOptions {
  readonly bodyLimit: number;
  /** How long a client may take to send its request, in milliseconds. */
  readonly requestTimeout: number;
  readonly trustProxy: readonly string[];
  readonly corsOrigins: readonly string[];
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
}

/** What the edge has to tell: finished requests, refused connections, unforeseen errors. */
export interface EdgeLog extends Pick<ProcessLog, 'request'> {
  readonly logger: Reports;
}

export interface Reports {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** How Fastify is made. */
export function fastifyOptions(options: EdgeOptions, log: Reports): FastifyServerOptions {
  return {
    logger: false,
    bodyLimit: options.bodyLimit,
    requestTimeout: options.requestTimeout,
    connectionTimeout: 0,
    keepAliveTimeout: 72_000,
    http: {
      headersTimeout: Math.min(options.requestTimeout, 15_000),
      requestTimeout: options.requestTimeout,
      connectionsCheckingInterval: 2_000,
      maxHeaderSize: 16_384,
      // Node's own answer to a request without one has no body; ours is a problem.
      requireHostHeader: false,
    },
    trustProxy: options.trustProxy.length > 0 ? [...options.trustProxy] : false,
    genReqId: () => randomHex(8),
    requestIdHeader: false,
    forceCloseConnections: 'idle',
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    routerOptions: { maxParamLength: 512 },
    // A malformed URL or an over-long parameter is found before any hook runs.
    frameworkErrors: (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
      setHeaders(request, reply, options);
      replyProblem(error, request, reply, (unexpected) => log.error({ err: unexpected }, 'unexpected error'));
    },
    clientErrorHandler: refuseConnection(log),
    ...(options.tls && { http2: true, https: { allowHTTP1: true, handshakeTimeout: 15_000, ...options.tls } }),
  } as FastifyServerOptions;
}

/** Headers of every reply: an API answers data, never a page that a browser should run or frame. */
const SECURITY_HEADERS = [
  ['x-content-type-options', 'nosniff'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  ['referrer-policy', 'no-referrer'],
  ['cross-origin-resource-policy', 'same-origin'],
] as const;
const HSTS = 'max-age=31536000; includeSubDomains';

function setHeaders(request: FastifyRequest, reply: FastifyReply, { tls }: EdgeOptions) {
  reply.header('x-request-id', request.id);
  for (const [name, value] of SECURITY_HEADERS) reply.header(name, value);
  if (tls) reply.header('strict-transport-security', HSTS);
}

/** Headers that say one thing. Twice is either a mistake or an attempt to be read differently by two readers. */
const SINGLE = new Set([
  'authorization',
  'content-type',
  'content-length',
  'host',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'traceparent',
]);

function checkHeaders({ raw }: FastifyRequest) {
  if (raw.httpVersion === '1.1' && raw.headers.host === undefined)
    throw new Problem(MalformedRequest, 'The header "host" is missing');
  const names = raw.rawHeaders;
  // Node's object has each name once: as many names as were sent means that none came twice.
  if (Object.keys(raw.headers).length * 2 === names.length) return;
  let seen: Set<string> | undefined;
  for (let index = 0; index < names.length; index += 2) {
    const name = names[index]!.toLowerCase();
    if (!SINGLE.has(name)) continue;
    if (seen?.has(name)) throw new Problem(MalformedRequest, `The header "${name}" appears twice`);
    (seen ??= new Set()).add(name);
  }
}

/** What every request passes on its way in and out, before and after any operation. */
export async function mountEdge(
  app: FastifyInstance,
  options: EdgeOptions,
  log: EdgeLog,
  { metrics, refusals }: { metrics: Metrics; refusals: Refusals },
): Promise<void> {
  observeRequests(app, log, metrics);
  if (options.tls) limitHttp2(app, options.requestTimeout, log.logger);
  app.removeContentTypeParser('text/plain');
  // A body-less request with a JSON content type is common among clients; it has no input, not wrong input.
  app.removeContentTypeParser('application/json');
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (body.length === 0) return done(null, undefined);
    // RFC 8259, section 8.1. Decoding would put replacement characters in place of what was meant.
    if (!isUtf8(body)) return done(new Problem(MalformedRequest), undefined);
    return parseJson(request, body.toString(), done);
  });
  await app.register(fastifyCompress, { global: true, threshold: 1_024, encodings: ['br', 'gzip', 'identity'] });
  if (options.corsOrigins.length > 0)
    await app.register(fastifyCors, {
      origin: [...options.corsOrigins],
      credentials: true,
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
      maxAge: 600,
      exposedHeaders: ['etag', 'link', 'retry-after', 'x-request-id', 'idempotency-replayed'],
    });
  app.addHook('onRequest', (request, reply, done) => {
    setHeaders(request, reply, options);
    try {
      checkHeaders(request);
      done();
    } catch (error) {
      done(error as Error);
    }
  });
  limitRefusals(app, refusals);
  const unexpected = (error: unknown, request: FastifyRequest) =>
    log.logger.error({ err: error, requestId: request.id, path: request.routeOptions.url }, 'unexpected error');
  app.setErrorHandler((error, request, reply) => replyProblem(error, request, reply, unexpected));
  const allowed = allowedMethods(app);
  app.setNotFoundHandler((request: FastifyRequest, reply: FastifyReply) => {
    const methods = allowed(request.url);
    if (methods.length > 0) reply.header('allow', methods.join(', '));
    return replyProblem(new Problem(methods.length > 0 ? MethodNotAllowed : NotFound), request, reply, unexpected);
  });
}

/** The methods that some route answers to at a URL; asked only when none matched. */
function allowedMethods(app: FastifyInstance): (url: string) => string[] {
  const routes: { method: string; pattern: RegExp }[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    const pattern = new RegExp(
      `^${url
        .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
        .replace(/:[A-Za-z0-9]+/g, '[^/]+')
        .replace(/\*/g, '.*')}$`,
    );
    for (const each of [method].flat()) routes.push({ method: each, pattern });
  });
  return (url) => {
    const path = url.split('?', 1)[0]!;
    return [...new Set(routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method))];
  };
}
