import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import * as platform from '../../contract/platform.problems.ts';
import { Problem, type ProblemDefinition } from '../../contract/problem.ts';
import { expectedProblem } from '../../operations/error-to-problem.ts';

/** RFC 9457. `type` is a path on this server, where the problem is explained; `code` is the same without the path. */
export interface ProblemBody {
  type: string;
  code: string;
  status: number;
  title: string;
  detail?: string;
  requestId: string;
  errors?: readonly { pointer: string; detail: string }[];
}

export const problemPath = (code: string) => `/problems/${code}`;

export function problemBody({ definition, message, errors }: Problem, requestId: string): ProblemBody {
  const { code, status, title } = definition;
  return {
    type: problemPath(code),
    code,
    status,
    title,
    ...(message !== title && { detail: message }),
    requestId,
    ...(errors && { errors }),
  };
}

/** What Fastify itself refuses before a handler is reached. */
const FASTIFY: Record<string, ProblemDefinition> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: platform.UnsupportedMediaType,
  FST_ERR_CTP_BODY_TOO_LARGE: platform.PayloadTooLarge,
  FST_ERR_CTP_EMPTY_JSON_BODY: platform.MalformedRequest,
  FST_ERR_CTP_INVALID_JSON_BODY: platform.MalformedRequest,
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: platform.MalformedRequest,
  FST_ERR_BAD_URL: platform.MalformedRequest,
  FST_ERR_MAX_PARAM_LENGTH: platform.NotFound,
};

function fastifyProblem(error: Partial<FastifyError>): Problem | undefined {
  const definition = FASTIFY[error.code ?? ''];
  if (definition) return new Problem(definition);
  // Errors with a status that Fastify or its plugins made of the request: a malformed body, a poisoned prototype.
  if (error.statusCode === 400) return new Problem(platform.MalformedRequest);
  return undefined;
}

/** Sends any error as a problem; `unexpected` gets what nobody foresaw, for the log. */
export function replyProblem(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  unexpected: (error: unknown, request: FastifyRequest) => void,
): FastifyReply {
  let problem = expectedProblem(error) ?? fastifyProblem(error as Partial<FastifyError>);
  if (!problem) {
    unexpected(error, request);
    problem = new Problem(platform.InternalError);
  }
  const { status } = problem.definition;
  if (problem.retryAfter !== undefined) reply.header('retry-after', problem.retryAfter);
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  return reply
    .code(status)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .header('cache-control', 'no-store')
    .send(JSON.stringify(problemBody(problem, request.id)));
}
