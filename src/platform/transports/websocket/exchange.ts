import { InvalidInput, NotFound, Unavailable } from '../../contract/platform.problems.ts';
import { Problem } from '../../contract/problem.ts';
import { beginRequest, runInRequest } from '../../observability/request-context.ts';
import type { RequestRoute } from '../../observability/request-log.ts';
import { answeredProblem } from '../../operations/error-to-problem.ts';
import type { Origin } from '../../operations/caller.ts';
import type { Named } from './behind.ts';
import type { MessageId } from './client-messages.ts';
import type { Connection } from './connection.ts';

/** Whatever has no name that is served counts as one, or guesses would fill the log's index. */
const NOWHERE: RequestRoute = { transport: 'websocket', method: '*', path: '*' };

/**
 * A message that is answered under its id: what REST has around a request. `serve` gives the status and sends the
 * answer; what it throws is sent as a problem. A line of the log either way.
 */
export function exchange<T>(
  connection: Connection,
  id: MessageId,
  named: Named<T> | undefined,
  serve: (bound: T, origin: Origin, signal: AbortSignal) => Promise<number>,
): Promise<void> {
  const { behind, address } = connection;
  const started = performance.now();
  const context = beginRequest();
  const { requestId } = context;
  const origin: Origin = { requestId, address, transport: 'websocket', caller: undefined };
  const route = named?.route ?? NOWHERE;
  return runInRequest(context, async () => {
    const controller = connection.begin(id);
    let status: number;
    try {
      refuse(connection, controller);
      if (!named) throw new Problem(NotFound);
      status = await serve(named.bound, origin, controller!.signal);
    } catch (error) {
      const problem = answeredProblem(error, (err) =>
        behind.log.logger.error({ err, requestId, operation: route.operation }, 'unexpected error'),
      );
      status = problem.definition.status;
      connection.sendProblem(controller && id, problem, requestId);
    }
    if (controller) connection.end(id);
    const principal = origin.caller?.principal;
    behind.log.request({
      route,
      status,
      milliseconds: performance.now() - started,
      callerId: principal?.personId,
      orgId: principal?.organizationId,
      address: status >= 400 ? address : undefined,
    });
  });
}

function refuse({ behind, address, leaving }: Connection, controller: AbortController | undefined) {
  if (!controller)
    throw new Problem(InvalidInput, 'The id is in use', { errors: [{ pointer: '/id', detail: 'Its answer has not come yet' }] });
  if (leaving) throw new Problem(Unavailable, undefined, { retryAfter: 1 });
  behind.refusals.check(address);
}
