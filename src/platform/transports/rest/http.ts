import type { FastifyInstance } from 'fastify';
import type { Config } from '#config/config';
import type { Health } from '../../observability/health.ts';
import type { ProcessLog } from '../../observability/logger.ts';
import type { Metrics } from '../../observability/metrics.ts';
import type { Served } from '../../operations/operations.ts';
import type { RateLimits } from '../../security/rate-limits.ts';
import { HeldByAddress } from '../../security/held-by-address.ts';
import type { Refusals } from '../../security/refusals.ts';
import type { Pipeline } from '../../operations/pipeline.ts';
import { mountGraphql } from '../graphql/graphql.ts';
import { mountMcp } from '../mcp/mcp.ts';
import { mountSse } from '../sse/sse.ts';
import { mountWebSocket } from '../websocket/websocket.ts';
import { routeUpgrades } from '../upgrade.ts';
import { mountApiDocs, serveFile } from './api-docs.ts';
import { type EdgeOptions, mountEdge } from './edge.ts';
import { operatorRoutes } from './operator-routes.ts';
import { mountRawRoutes, mountRest } from './routes.ts';

export interface HttpParts {
  readonly served: Served;
  readonly pipeline: Pipeline;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly refusals: Refusals;
  readonly limits: RateLimits;
  /** The WebSockets that each address holds open, whatever is spoken over them. */
  readonly sockets: HeldByAddress;
  /** Text of the .proto, where gRPC is served. */
  readonly proto?: string | undefined;
  readonly log: ProcessLog;
}

/** All that answers over HTTP. */
export async function mountHttp(
  app: FastifyInstance,
  edge: EdgeOptions,
  config: Config,
  given: Omit<HttpParts, 'sockets'>,
): Promise<void> {
  const parts: HttpParts = { ...given, sockets: new HeldByAddress(config.WS_CONNECTIONS_PER_ADDRESS) };
  const { served, pipeline, health, metrics, refusals, log, proto } = parts;
  await mountEdge(app, edge, log, { metrics, refusals });
  mountRest(app, served.operations);
  mountRawRoutes(app, [...served.rawRoutes, ...operatorRoutes(pipeline, health, metrics, config)]);
  routeUpgrades(app);
  mountWebSocket(app, config, parts);
  mountSse(app, config, parts);
  mountGraphql(app, config, parts);
  mountMcp(app, config, parts);
  mountApiDocs(app, served, config);
  if (config.API_DOCS && proto !== undefined) serveFile(app, '/api-docs/fondasi.proto', 'text/plain; charset=utf-8', proto);
}
