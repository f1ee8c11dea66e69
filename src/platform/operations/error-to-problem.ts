import { HttpException } from '@nestjs/common';
import * as platform from '../contract/platform.problems.ts';
import { Problem, problem, type ProblemDefinition } from '../contract/problem.ts';
import { DatabaseBusy, DatabaseUnavailable, SchemaChanged, sqlState, TransactionTimeout } from '../database/errors.ts';

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

/** Troubles of the database that pass. Nothing was kept, or the operation's own rules of repeating hold. */
const PASSING = [DatabaseBusy, DatabaseUnavailable, SchemaChanged, TransactionTimeout];
/** A statement or a lock took too long; two transactions got into each other's way. */
const PASSING_STATES = new Set(['57014', '55P03', '40001', '40P01']);

/**
 * What is thrown, as a problem. Nest's own exceptions keep their status and message. Undefined for anything else:
 * the unexpected, which is logged with its cause and answered with nothing but an id.
 */
export function expectedProblem(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error;
  if (PASSING.some((kind) => error instanceof kind) || PASSING_STATES.has(sqlState(error) ?? ''))
    return new Problem(platform.Unavailable, undefined, { retryAfter: 1, cause: error });
  if (!(error instanceof HttpException)) return undefined;
  const status = error.getStatus();
  const definition = BY_STATUS.get(status) ?? problem(`platform/http-${status}`, status, error.message);
  return new Problem(definition, error.message, { cause: error.cause });
}

/** The problem that anything thrown is answered with; `unexpected` gets what nobody foresaw, and the cause of a failure of ours, for the log. */
export function answeredProblem(error: unknown, unexpected: (error: unknown) => void): Problem {
  const expected = expectedProblem(error);
  if (!expected) {
    unexpected(error);
    return new Problem(platform.InternalError);
  }
  if (expected.definition.status >= 500 && expected.cause !== undefined) unexpected(expected.cause);
  return expected;
}
