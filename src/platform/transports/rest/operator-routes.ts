import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '#config/config';
import { anyone, may, permission } from '../../contract/access.ts';
import { rawRoute } from '../../contract/raw-route.ts';
import type { Health, HealthReport } from '../../observability/health.ts';
import type { Metrics } from '../../observability/metrics.ts';
import type { BoundRawRoute, Pipeline } from '../../operations/pipeline.ts';

const ReadMetrics = permission({
  name: 'platform.metrics.read',
  summary: 'See what the processes measure of themselves',
  roles: ['owner', 'admin'],
  installation: true,
});

const JSON_TYPE = 'application/json; charset=utf-8';

const live = rawRoute({
  name: 'platform.live',
  summary: 'Whether the process runs',
  http: 'GET /health/live',
  access: anyone(),
  produces: JSON_TYPE,
});
const ready = rawRoute({
  name: 'platform.ready',
  summary: 'Whether the process should get traffic',
  http: 'GET /health/ready',
  access: anyone(),
  produces: JSON_TYPE,
});
const measurements = rawRoute({
  name: 'platform.metrics',
  summary: "What the process measures, in Prometheus' text format",
  http: 'GET /metrics',
  access: may(ReadMetrics),
  produces: 'text/plain; version=0.0.4; charset=utf-8',
});

/** What operators and their balancers ask. Metrics are here only where they have no port of their own. */
export function operatorRoutes(pipeline: Pipeline, health: Health, metrics: Metrics, { METRICS_PORT }: Config): BoundRawRoute[] {
  const routes = [
    pipeline.bindRaw(live, (_request: FastifyRequest, reply: FastifyReply) => report(health.live(), reply)),
    pipeline.bindRaw(ready, async (_request: FastifyRequest, reply: FastifyReply) => report(await health.ready(), reply)),
  ];
  if (METRICS_PORT !== undefined) return routes;
  return [...routes, pipeline.bindRaw(measurements, async () => (await metrics.page()).text)];
}

function report({ status, body }: HealthReport, reply: FastifyReply): string {
  reply.code(status).header('cache-control', 'no-store');
  return JSON.stringify(body);
}
