import { HttpException } from '@nestjs/common';
import * as platform from '../contract/platform.problems.ts';
import { Problem, problem, type ProblemDefinition } from '../contract/problem.ts';

const BY_STATUS = new Map<number, ProblemDefinition>(
  [
    platform.InvalidInput,
    platform.Unauthenticated,
    platform.Forbidden,
    platform.NotFound,
    platform.MethodNotAllowed,
    platform.PayloadTooLarge,
    platform.UnsupportedMediaType,
    platform.TooManyRequests,
    platform.Unavailable,
    platform.InternalError,
  ].map((definition) => [definition.status, definition]),
);

/**
 * What is thrown, as a problem. Nest's own exceptions keep their status and message. Undefined for anything else:
 * the unexpected, which is logged with its cause and answered with nothing but an id.
 */
export function expectedProblem(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error;
  if (!(error instanceof HttpException)) return undefined;
  const status = error.getStatus();
  const definition = BY_STATUS.get(status) ?? problem(`platform/http-${status}`, status, error.message);
  return new Problem(definition, error.message, { cause: error.cause });
}
