import { GraphQLError } from 'graphql';
import type { Problem } from '../../contract/problem.ts';
import { problemBody } from '../../operations/problem-body.ts';
import { DocumentProblem } from './document.ts';
import type { Path } from './projection.ts';

/** An error as GraphQL writes it, with the problem that every other protocol would answer. */
export interface AnsweredError {
  readonly message: string;
  readonly path?: Path;
  readonly locations?: GraphQLError['locations'];
  readonly extensions: {
    readonly code: string;
    readonly problem: ReturnType<typeof problemBody>;
    /** Seconds. */
    readonly retryAfter?: number;
  };
}

/** `data` is absent where nothing was run. */
export interface GraphqlAnswer {
  readonly data?: Record<string, unknown>;
  readonly errors?: readonly AnsweredError[];
  readonly extensions?: Record<string, unknown>;
  /** Status over HTTP. */
  readonly status: number;
  readonly retryAfter?: number | undefined;
}

export function answeredError(
  problem: Problem,
  requestId: string,
  { path, pointer }: { path?: Path; pointer?: (ofContract: string) => string } = {},
): AnsweredError {
  const body = problemBody(problem, requestId);
  if (body.errors && pointer) body.errors = body.errors.map((error) => ({ ...error, pointer: pointer(error.pointer) }));
  const { retryAfter } = problem;
  const locations = problem instanceof DocumentProblem ? problem.locations : undefined;
  return {
    message: problem.message,
    ...(locations && { locations }),
    ...(path && { path }),
    extensions: { code: body.code, problem: body, ...(retryAfter !== undefined && { retryAfter }) },
  };
}

/** Nothing was run. */
export function refused(problems: readonly Problem[], requestId: string): GraphqlAnswer {
  const [first] = problems;
  return {
    errors: problems.map((problem) => answeredError(problem, requestId)),
    status: first!.definition.status,
    retryAfter: first!.retryAfter,
  };
}

/** An answered error where a library of the protocol wants one of its own. */
export class AnsweredGraphqlError extends GraphQLError {
  private readonly answered: AnsweredError;

  constructor(answered: AnsweredError) {
    super(answered.message, { extensions: { ...answered.extensions } });
    this.answered = answered;
  }

  override toJSON() {
    return this.answered as never;
  }
}
