import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '#config/config';
import { signedIn } from '../../contract/access.ts';
import { perAddress } from '../../contract/limit.ts';
import type { Origin } from '../../operations/caller.ts';
import { StartError } from '../../start-error.ts';
import { bearer } from '../credentials.ts';
import { jsonParser } from '../json-parser.ts';
import { checkOrigin } from '../page-origin.ts';
import type { HttpParts } from '../rest/http.ts';
import { checkHandshake } from '../upgrade.ts';
import { type GraphqlAnswer, refused } from './answer.ts';
import { Documents } from './documents.ts';
import { GraphqlEngine } from './engine.ts';
import { mountGraphiql } from './graphiql.ts';
import { Preparation } from './preparation.ts';
import { type GraphqlRequest, readQueryString, readRequest } from './request.ts';
import { graphqlSchema } from './schema.ts';
import { Session, type SessionParts } from './session.ts';
import { GraphqlSockets } from './sockets.ts';
import { readTrustedDocuments } from './trusted-documents.ts';

export type GraphqlSettings = Pick<
  Config,
  'GRAPHQL' | 'GRAPHQL_INTROSPECTION' | 'GRAPHQL_DOCUMENTS' | 'CORS_ORIGINS' | 'BODY_LIMIT' | 'SEND_BUFFER' | 'WS_MESSAGE_RATE'
>;
export type GraphqlParts = Pick<HttpParts, 'served' | 'pipeline' | 'limits' | 'metrics' | 'log' | 'sockets'>;

const PATH = '/graphql';
const SUBPROTOCOL = 'graphql-transport-ws';
const RESPONSE_TYPE = 'application/graphql-response+json';
const SIGN_IN_SECONDS = 10;

/** Documents that were not seen before. To parse and validate one costs more than to run it; clients send values as variables. */
const MOST_UNKNOWN = perAddress(600, '1m');

/** Serves all operations and channels as one GraphQL schema: see docs/guides/graphql.md. */
export function mountGraphql(app: FastifyInstance, settings: GraphqlSettings, parts: GraphqlParts): void {
  if (!settings.GRAPHQL) return;
  const { log, pipeline, metrics } = parts;
  const behind: SessionParts = {
    report: (error, requestId) => log.logger.error({ err: error, requestId, path: PATH }, 'unexpected error'),
    identify: (token, origin) => pipeline.identify({ credentials: { token }, origin }, signedIn(), SIGN_IN_SECONDS).principal!,
  };
  const engine = engineOf(settings, parts);
  const parseJson = jsonParser(app);
  const sockets = new GraphqlSockets(
    { ...behind, engine, refusals: app.refusals, logRequest: log.request },
    {
      bodyLimit: settings.BODY_LIMIT,
      sendBuffer: settings.SEND_BUFFER,
      byAddress: parts.sockets,
      messageRate: settings.WS_MESSAGE_RATE,
      parseJson,
    },
  );
  metrics.observe('graphql_connections', 'GraphQL connections over WebSocket that are open.', () => sockets.size);
  app.addHook('preClose', () => sockets.close());

  const answer = async (request: FastifyRequest, reply: FastifyReply, read: () => GraphqlRequest, only?: 'query') => {
    const origin: Origin = { requestId: request.id, address: request.ip, transport: 'graphql', caller: undefined };
    request.origin = origin;
    const session = new Session(origin, bearer(request), behind);
    let asked: GraphqlRequest;
    try {
      asked = read();
    } catch (error) {
      return send(request, reply, refused([session.problem(error)], request.id));
    }
    const answered = await engine.run(asked, session, only);
    // Any other answer of 401 is counted as one.
    if (session.refused && answered.status !== 401) app.refusals.count(request.ip);
    return send(request, reply, answered);
  };

  const config = { transport: 'graphql' };
  app.post(PATH, { config }, (request, reply) => answer(request, reply, () => readRequest(request.body)));
  const page = settings.GRAPHQL_INTROSPECTION ? mountGraphiql(app) : undefined;
  app.get(PATH, { config, exposeHeadRoute: false }, (request, reply) => {
    if (request.headers.upgrade?.toLowerCase() === 'websocket') {
      checkHandshake(request, reply, SUBPROTOCOL);
      checkOrigin(request, settings.CORS_ORIGINS);
      sockets.admit(request.ip);
      return sockets.take(request, reply);
    }
    const query = request.query as Record<string, unknown>;
    if (page && query['query'] === undefined && request.headers.accept?.includes('text/html')) return page(reply);
    return answer(request, reply, () => readQueryString(query, parseJson), 'query');
  });
}

/** @throws StartError for trusted documents that do not fit the schema */
function engineOf(
  { GRAPHQL_INTROSPECTION, GRAPHQL_DOCUMENTS }: GraphqlSettings,
  { served, limits }: GraphqlParts,
): GraphqlEngine {
  const schema = graphqlSchema(served);
  const trusted = GRAPHQL_DOCUMENTS === undefined ? undefined : readTrustedDocuments(GRAPHQL_DOCUMENTS);
  let documents: Documents;
  try {
    documents = new Documents(schema, GRAPHQL_INTROSPECTION, trusted);
  } catch (error) {
    throw new StartError(`GRAPHQL_DOCUMENTS: ${(error as Error).message}`);
  }
  return new GraphqlEngine(schema, new Preparation(documents, limits.byAddress('graphql documents', MOST_UNKNOWN)));
}

function send(request: FastifyRequest, reply: FastifyReply, { status, retryAfter, ...body }: GraphqlAnswer): FastifyReply {
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  const type = request.headers.accept?.includes(RESPONSE_TYPE) ? RESPONSE_TYPE : 'application/json';
  return reply
    .code(status)
    .header('cache-control', 'no-store')
    .header('content-type', `${type}; charset=utf-8`)
    .send(JSON.stringify(body));
}
