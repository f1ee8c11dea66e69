import { Readable } from 'node:stream';
import { createMcpHandler, ProtocolError, ProtocolErrorCode, Server } from '@modelcontextprotocol/server';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '#config/config';
import { signedIn } from '../../contract/access.ts';
import { MalformedRequest, MethodNotAllowed, Unauthenticated } from '../../contract/platform.problems.ts';
import { Problem } from '../../contract/problem.ts';
import { checkAccess } from '../../operations/access-rule.ts';
import type { Caller, Origin } from '../../operations/caller.ts';
import { answeredProblem } from '../../operations/error-to-problem.ts';
import { bearer } from '../credentials.ts';
import { checkOrigin } from '../page-origin.ts';
import { originOf } from '../request-origin.ts';
import type { HttpParts } from '../rest/http.ts';
import { answered, type OfferedTool, refused, toolsOf } from './tools.ts';

const PATH = '/mcp';
/** RFC 9728: what an agent learns of this resource. It names no authorization server as long as there is none. */
const METADATA_PATH = `/.well-known/oauth-protected-resource${PATH}`;
const SECONDS = 30;

export type McpSettings = Pick<Config, 'CORS_ORIGINS' | 'PUBLIC_URL'>;
export type McpParts = Pick<HttpParts, 'served' | 'pipeline' | 'log'>;

/** One request of an agent. */
interface Asking {
  readonly caller: Caller;
  readonly token: string;
  readonly origin: Origin;
  readonly signal: AbortSignal;
}

/** Serves the operations that contracts offer to agents as tools, over streamable HTTP: see docs/guides/mcp.md. */
export function mountMcp(app: FastifyInstance, settings: McpSettings, parts: McpParts): void {
  const tools = toolsOf(parts.served.operations);
  const report = (err: unknown, requestId: string) => parts.log.logger.error({ err, requestId, path: PATH }, 'unexpected error');
  const handler = createMcpHandler(({ authInfo }) => serverFor(tools, authInfo!.extra as unknown as Asking, report), {
    // Nothing changes while the process runs, so that there is nothing to wait for.
    maxSubscriptions: 1,
  });
  app.addHook('preClose', () => handler.close());
  app.post(PATH, { config: { transport: 'mcp' } }, async (request, reply) => {
    checkOrigin(request, settings.CORS_ORIGINS);
    const asking = askingOf(request, reply, settings, parts);
    if (Array.isArray(request.body)) throw new Problem(MalformedRequest, 'A request is one message');
    const { token, signal } = asking;
    const response = await handler.fetch(webRequest(request, signal), {
      authInfo: { token, clientId: '', scopes: [], extra: asking as never },
      parsedBody: request.body,
    });
    return relay(response, reply);
  });
  app.route({
    method: ['GET', 'DELETE'],
    url: PATH,
    exposeHeadRoute: false,
    config: { transport: 'mcp' },
    handler: (_request, reply) => {
      reply.header('allow', 'POST');
      throw new Problem(MethodNotAllowed, 'There are no sessions and no stream to read: every request is a POST');
    },
  });
  app.get(METADATA_PATH, (request, reply) => {
    const server = settings.PUBLIC_URL ?? `${request.protocol}://${request.host}`;
    reply.header('cache-control', 'public, max-age=600');
    return reply.send({
      resource: `${server}${PATH}`,
      bearer_methods_supported: ['header'],
      resource_name: 'Fondasi',
    });
  });
}

/** @throws Problem Unauthenticated, with what an agent needs to get a token */
function askingOf(request: FastifyRequest, reply: FastifyReply, settings: McpSettings, { pipeline }: McpParts): Asking {
  const origin = originOf(request, reply, 'mcp');
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  const token = bearer(request);
  try {
    const caller = pipeline.identify({ credentials: { token }, origin, signal: gone.signal }, signedIn(), SECONDS);
    checkAccess(signedIn(), caller);
    return { caller, token: token!, origin, signal: gone.signal };
  } catch (error) {
    const server = settings.PUBLIC_URL ?? `${request.protocol}://${request.host}`;
    if (error instanceof Problem && error.definition === Unauthenticated)
      reply.header('www-authenticate', `Bearer resource_metadata="${server}${METADATA_PATH}"`);
    throw error;
  }
}

/** A server for one request, as the protocol has it since it lost its sessions. */
function serverFor(
  tools: ReadonlyMap<string, OfferedTool>,
  asking: Asking,
  report: (error: unknown, id: string) => void,
): Server {
  const server = new Server({ name: 'fondasi', version: '1' }, { capabilities: { tools: {} } });
  server.setRequestHandler('tools/list', () => ({ tools: [...offeredTo(tools, asking.caller)].map(({ tool }) => tool) }));
  server.setRequestHandler('tools/call', async ({ params }) => {
    const offered = tools.get(params.name);
    if (!offered) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `There is no tool "${params.name}"`);
    const { token, origin, signal } = asking;
    try {
      const answer = await offered.operation.invoke({
        input: () => params.arguments ?? {},
        credentials: { token },
        origin,
        unknownFields: 'refuse',
        form: 'value',
        signal,
      });
      return answered(answer.body);
    } catch (error) {
      return refused(
        answeredProblem(error, (unexpected) => report(unexpected, origin.requestId)),
        origin.requestId,
      );
    }
  });
  return server;
}

/** Those that the caller may call at all; the pipeline decides again when one is called. */
function* offeredTo(tools: ReadonlyMap<string, OfferedTool>, caller: Caller): Iterable<OfferedTool> {
  for (const offered of tools.values()) {
    const { access } = offered.operation.contract;
    if (access.who !== 'may' || caller.may(access.permission)) yield offered;
  }
}

function webRequest({ raw, url, headers }: FastifyRequest, signal: AbortSignal): Request {
  const given = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined || name.startsWith(':') ? [] : [[name, String(value)] as [string, string]],
  );
  return new Request(`http://localhost${url}`, { method: raw.method!, headers: given, signal });
}

function relay(response: Response, reply: FastifyReply): FastifyReply {
  reply.code(response.status).header('cache-control', 'no-store');
  for (const [name, value] of response.headers) if (name !== 'content-length') reply.header(name, value);
  return response.body ? reply.send(Readable.fromWeb(response.body as never)) : reply.send();
}
