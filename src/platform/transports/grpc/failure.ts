import type { ServerErrorResponse, StatusObject } from '@grpc/grpc-js';
import { InternalError } from '../../contract/platform.problems.ts';
import { Problem } from '../../contract/problem.ts';
import { expectedProblem } from '../../operations/error-to-problem.ts';
import type { IncomingCall } from './incoming-call.ts';
import { problemStatus } from './status.ts';

/** Turns whatever is thrown into the status of a call. */
export class Failure {
  constructor(
    private readonly log: { error(fields: object, message: string): void },
    private readonly publicUrl: string | undefined,
  ) {}

  of(error: unknown, call: IncomingCall): ServerErrorResponse & Partial<StatusObject> {
    const { requestId } = call.origin;
    const unexpected = (err: unknown) => this.log.error({ err, requestId, path: call.route.path }, 'unexpected error');
    let problem = expectedProblem(error);
    if (!problem) {
      unexpected(error);
      problem = new Problem(InternalError);
    }
    const { status } = problem.definition;
    if (status >= 500 && problem.cause !== undefined) unexpected(problem.cause);
    call.end(status);
    const { code, details, metadata } = problemStatus(problem, requestId, this.publicUrl);
    return { name: 'problem', message: details, code, details, metadata };
  }
}
