import type { FastifyInstance } from 'fastify';
import type { Config } from '#config/config';
import type { Logger } from '../../observability/logger.ts';
import type { Served } from '../../operations/operations.ts';
import { mountApiDocs } from './api-docs.ts';
import { type EdgeOptions, mountEdge } from './edge.ts';
import { mountRawRoutes, mountRest } from './routes.ts';

/** All that answers over HTTP. */
export async function mountHttp(app: FastifyInstance, served: Served, edge: EdgeOptions, config: Config, logger: Logger): Promise<void> {
  await mountEdge(app, edge, logger);
  mountRest(app, served.operations);
  mountRawRoutes(app, served.rawRoutes);
  mountApiDocs(app, served, config.API_DOCS);
}

