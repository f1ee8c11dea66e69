import { hash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isForOutside } from '../../contract/access.ts';
import type { Answer, BoundOperation } from '../../operations/bound-operation.ts';
import type { BoundRawRoute } from '../../operations/pipeline.ts';
import { bearer } from '../credentials.ts';
import { originOf } from '../request-origin.ts';
import { restInput } from './rest-input.ts';

/** Serves operations over REST. It turns a request into a call and the answer into a reply; all rules are the pipeline's. */
export function mountRest(app: FastifyInstance, operations: readonly BoundOperation[]): void {
  for (const operation of operations) if (isForOutside(operation.contract)) mount(app, operation);
}

function mount(app: FastifyInstance, { contract, invoke }: BoundOperation) {
  const readInput = restInput(contract);
  const cacheable = contract.method === 'GET' && !contract.secret;
  const retried = contract.retry === 'key';
  app.route({
    method: contract.method,
    url: contract.path,
    config: { operation: contract.name },
    handler: async (request, reply) => {
      const origin = originOf(request, reply, 'rest');
      const answer = await invoke({
        input: () => readInput(request),
        credentials: { token: bearer(request) },
        origin,
        unknownFields: 'refuse',
        form: 'json',
        idempotencyKey: retried ? (request.headers['idempotency-key'] as string | undefined) : undefined,
      });
      // A customer's filter may have answered through Fastify itself.
      return reply.sent ? reply : send(request, reply, answer, cacheable);
    },
  });
}

function send(request: FastifyRequest, reply: FastifyReply, answer: Answer, cacheable: boolean): FastifyReply {
  reply.code(answer.status);
  if (answer.replayed) reply.header('idempotency-replayed', 'true');
  if (answer.next !== undefined) reply.header('link', `<${nextUrl(request.url, answer.next)}>; rel="next"`);
  if (answer.body === undefined) return reply.send();
  const body = answer.body as string;
  const etag = cacheable || answer.version !== undefined ? tagOf(answer.version, body) : undefined;
  if (etag) reply.header('etag', etag);
  // The same path answers each caller differently.
  if (cacheable) reply.header('vary', [reply.getHeader('vary'), 'Authorization'].filter(Boolean).join(', '));
  reply.header('cache-control', cacheable ? 'private, no-cache' : 'no-store');
  if (cacheable && etag && matches(request.headers['if-none-match'], etag)) return reply.code(304).send();
  return reply.header('content-type', 'application/json; charset=utf-8').send(body);
}

/** Of the content, because one version looks different to different callers; `If-Match` needs the version before the dot only. */
function tagOf(version: string | undefined, body: string): string {
  const content = hash('sha1', body, 'base64url');
  return version === undefined ? `W/"${content}"` : `"${version}.${content}"`;
}

/** RFC 9110, section 13.1.2: a weak comparison against each of the list. */
function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  const opaque = etag.replace(/^W\//, '');
  return header.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === opaque);
}

function nextUrl(url: string, cursor: string): string {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  searchParams.set('cursor', cursor);
  return `${pathname}?${searchParams}`;
}

/** Serves what no operation can express. The handler gets Fastify's request and reply, behind the same access rule. */
export function mountRawRoutes(app: FastifyInstance, routes: readonly BoundRawRoute[]): void {
  for (const { contract, handle } of routes)
    app.route({
      method: contract.method,
      url: contract.path,
      config: { operation: contract.name },
      handler: async (request, reply) => {
        const result = await handle(request, reply, originOf(request, reply, 'rest'), bearer(request));
        if (result !== undefined && !reply.sent) reply.type(contract.produces).send(result);
        return reply;
      },
    });
}
