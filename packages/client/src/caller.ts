import type { CallOptions } from './call.ts';
import type { OperationContract } from './contracts.ts';
import type { Outbox, OutboxCall } from './outbox.ts';
import { aborted, isPassing, isUnauthenticated, ProblemError, timedOut, UNREACHABLE } from './problem.ts';
import type { Send } from './request.ts';
import type { Session } from './session.ts';
import { backoff, wait } from './wait.ts';

const TIMEOUT = 30_000;
const MOST_TRIES = 4;

/** Makes calls: with a valid token, again where that does no harm, later where the server can't be reached. */
export class OperationCaller {
  private readonly send: Send;
  private readonly session: Session;
  private readonly outbox: Outbox;
  private readonly offline: 'fail' | 'queue';
  private made = 0;

  constructor(send: Send, session: Session, outbox: Outbox, offline: 'fail' | 'queue') {
    this.send = send;
    this.session = session;
    this.outbox = outbox;
    this.offline = offline;
  }

  async call(operation: OperationContract, input: Record<string, unknown> = {}, options: CallOptions = {}): Promise<unknown> {
    const { retry } = operation;
    const idempotencyKey = retry === 'key' ? (options.idempotencyKey ?? crypto.randomUUID()) : undefined;
    const entry = { operation, input, idempotencyKey, order: this.made++ };
    const queues = (options.offline ?? this.offline) === 'queue' && retry !== 'never' && operation.method !== 'GET';
    // What waits already goes first: a message must not overtake the one before it.
    if (queues && this.outbox.waiting) return this.outbox.add(entry, options.signal);
    try {
      return await this.tried(entry, options, queues ? 1 : MOST_TRIES);
    } catch (error) {
      if (queues && error instanceof ProblemError && error.code === UNREACHABLE) return this.outbox.add(entry, options.signal);
      throw error;
    }
  }

  /** One call, as often as it takes and may be made. */
  async tried(call: OutboxCall, { signal, timeout = TIMEOUT }: CallOptions = {}, mostTries = MOST_TRIES): Promise<unknown> {
    const { operation, input, idempotencyKey } = call;
    const deadline = AbortSignal.timeout(timeout);
    const either = signal ? AbortSignal.any([signal, deadline]) : deadline;
    for (let tries = 0; ; tries++) {
      try {
        const token = await this.session.token();
        const attempt = { operation, input, token, idempotencyKey, signal: either };
        return await this.send(attempt).catch(async (error: unknown) => {
          // It was refused before anything happened; a new token is worth one more try.
          if (!isUnauthenticated(error) || token === undefined || tries > 0) throw error;
          const renewed = await this.session.token(token);
          if (renewed === undefined || renewed === token) throw error;
          return this.send({ ...attempt, token: renewed });
        });
      } catch (error) {
        if (signal?.aborted) throw aborted(error);
        if (deadline.aborted) throw timedOut(error);
        const again = operation.retry !== 'never' && isPassing(error) && tries + 1 < mostTries;
        if (!again) throw error;
        const { retryAfter } = error as ProblemError;
        await wait(Math.max(backoff(tries), (retryAfter ?? 0) * 1_000), either).catch(() => {
          throw error;
        });
      }
    }
  }
}
