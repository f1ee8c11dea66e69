import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import * as platform from '../../contract/platform.problems.ts';
import { Problem, type ProblemDefinition } from '../../contract/problem.ts';
import { answeredProblem, expectedProblem } from '../../operations/error-to-problem.ts';
import { problemBody } from '../../operations/problem-body.ts';

/** What Fastify itself refuses before a handler is reached. */
const REFUSED: Record<number, ProblemDefinition> = {
  400: platform.MalformedRequest,
  413: platform.PayloadTooLarge,
  415: platform.UnsupportedMediaType,
};

/** Errors with a status that Fastify or its plugins made of the request: a malformed body, a poisoned prototype. */
function fastifyProblem({ code = '', statusCode }: Partial<FastifyError>): Problem | undefined {
  if (code === 'FST_ERR_MAX_PARAM_LENGTH') return new Problem(platform.NotFound);
  const definition = statusCode === 400 || code.startsWith('FST_') ? REFUSED[statusCode ?? 0] : undefined;
  return definition && new Problem(definition);
}

/** Sends any error as a problem; `unexpected` gets what nobody foresaw, and the cause of a failure of ours, for the log. */
export function replyProblem(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  unexpected: (error: unknown, request: FastifyRequest) => void,
): FastifyReply {
  const refused = expectedProblem(error) ?? fastifyProblem(error as Partial<FastifyError>);
  const problem = answeredProblem(refused ?? error, (cause) => unexpected(cause, request));
  const { status } = problem.definition;
  if (problem.retryAfter !== undefined) reply.header('retry-after', problem.retryAfter);
  if (status === 401 && !reply.hasHeader('www-authenticate')) reply.header('www-authenticate', 'Bearer');
  return reply
    .code(status)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .header('cache-control', 'no-store')
    .send(JSON.stringify(problemBody(problem, request.id)));
}
