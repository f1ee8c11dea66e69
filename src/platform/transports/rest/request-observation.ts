import type { FastifyContextConfig, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ProcessLog } from '../../observability/logger.ts';
import type { Metrics } from '../../observability/metrics.ts';
import { beginRequest, runInRequest } from '../../observability/request-context.ts';
import type { RequestRoute } from '../../observability/request-log.ts';
import type { Origin } from '../../operations/caller.ts';

interface ObservedRoute extends RequestRoute {
  readonly observe: (status: number, seconds: number) => void;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Where the request comes from, and once the pipeline knows, who asks. */
    origin: Origin | null;
  }
  interface FastifyContextConfig {
    /** Name of the operation that the route serves. */
    operation?: string;
    /** What the route speaks, where that isn't REST. */
    transport?: string;
    /** It goes on until the client hangs up, which is no request that was given up. */
    openEnded?: boolean;
    observed?: ObservedRoute;
  }
}

/** What nginx writes where nobody waited for the answer; no client ever sees it. */
const CLIENT_GONE = 499;

type RouteNames = Pick<FastifyContextConfig, 'operation' | 'transport'>;

/** The status of a request whose connection ended, or went over to another protocol (101), before its answer did. */
function leftWith(request: FastifyRequest, { raw }: FastifyReply): number {
  const answered = raw.statusCode === 101 || (request.routeOptions.config.openEnded && raw.headersSent);
  return answered ? raw.statusCode : CLIENT_GONE;
}

/** A log line and a measurement of every request, whatever became of it; and its ids on all lines in between. */
export function observeRequests(app: FastifyInstance, log: Pick<ProcessLog, 'request'>, metrics: Metrics): void {
  const observed = (method: string, path: string, { operation, transport = 'rest' }: RouteNames = {}): ObservedRoute => ({
    operation,
    transport,
    method,
    path,
    observe: metrics.route(method, path),
  });
  app.decorateRequest('origin', null);
  app.addHook('onRoute', (route) => {
    const config = (route.config ??= {});
    config.observed = observed([route.method].flat()[0]!, route.url, config);
  });
  app.addHook('onRequest', (request, reply, done) => {
    const ids = beginRequest(request.headers.traceparent as string | undefined, request.id);
    metrics.requestStarted();
    // Every request comes to this, also one whose client hangs up before it has its answer.
    reply.raw.once('close', () => {
      metrics.requestFinished();
      if (!reply.raw.writableFinished) runInRequest(ids, () => finished(request, leftWith(request, reply), reply.elapsedTime));
    });
    runInRequest(ids, done);
  });
  // Whatever matched no route counts as one, or a scanner would fill the metrics with its guesses.
  const nowhere = observed('*', '*');
  const finished = (request: FastifyRequest, status: number, milliseconds: number) => {
    const route = request.routeOptions.config.observed ?? nowhere;
    const principal = request.origin?.caller?.principal;
    route.observe(status, milliseconds / 1_000);
    log.request({
      route,
      status,
      milliseconds,
      callerId: principal?.personId,
      orgId: principal?.organizationId,
      address: status >= 400 ? request.ip : undefined,
    });
  };
  app.addHook('onResponse', (request: FastifyRequest, reply, done) => {
    finished(request, reply.statusCode, reply.elapsedTime);
    done();
  });
}
