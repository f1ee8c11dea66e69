import type { CallOptions } from './call.ts';
import type { OperationContract } from './contracts.ts';
import type { Outbox, OutboxCall } from './outbox.ts';
import { ownerOf } from './owner.ts';
import { aborted, isPassing, isUnauthenticated, ProblemError, signedOut, timedOut, isTimeout } from './problem.ts';
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
  private readonly closing: AbortSignal;
  private made = 0;

  constructor(send: Send, session: Session, outbox: Outbox, offline: 'fail' | 'queue', closing: AbortSignal) {
    this.send = send;
    this.session = session;
    this.outbox = outbox;
    this.offline = offline;
    this.closing = closing;
  }

  async call(operation: OperationContract, input: Record<string, unknown> = {}, options: CallOptions = {}): Promise<unknown> {
    const { retry } = operation;
    const idempotencyKey = retry === 'key' ? (options.idempotencyKey ?? crypto.randomUUID()) : undefined;
    const { owner } = this.session;
    const entry = { operation, input, idempotencyKey, owner, order: this.made++ };
    const mayWait = owner !== undefined && retry !== 'never' && operation.method !== 'GET';
    const queues = mayWait && (options.offline ?? this.offline) === 'queue';
    // Whoever waits for one call before making the next finds them in that order; of calls under way at the same time
    // one may fail and wait while a later one succeeds.
    if (queues && this.outbox.holds(owner)) return this.outbox.add(entry, options.signal);
    try {
      return await this.tried(entry, options, queues ? 1 : MOST_TRIES);
    } catch (error) {
      const { signal } = options;
      if (queues && (isPassing(error) || isTimeout(error))) return this.outbox.add(entry, signal, error as ProblemError);
      throw error;
    }
  }

  /** One call, as often as it takes and may be made, by whoever made it. */
  async tried(call: OutboxCall, { signal, timeout = TIMEOUT }: CallOptions = {}, mostTries = MOST_TRIES): Promise<unknown> {
    const { operation, input, idempotencyKey, owner } = call;
    const deadline = AbortSignal.timeout(timeout);
    const { closing } = this;
    const either = AbortSignal.any(signal ? [signal, closing, deadline] : [closing, deadline]);
    for (let tries = 0; ; tries++) {
      try {
        if (closing.aborted) throw aborted();
        const token = await this.token(owner);
        const attempt = { operation, input, token, idempotencyKey, signal: either };
        return await this.send(attempt).catch(async (error: unknown) => {
          // It was refused before anything happened; a new token is worth one more try.
          if (!isUnauthenticated(error) || token === undefined || tries > 0) throw error;
          const renewed = await this.token(owner, token);
          if (renewed === undefined || renewed === token) throw error;
          return this.send({ ...attempt, token: renewed });
        });
      } catch (error) {
        if (signal?.aborted || closing.aborted) throw aborted(error);
        if (deadline.aborted) throw timedOut(error);
        const again = operation.retry !== 'never' && isPassing(error) && tries + 1 < mostTries;
        if (!again) throw error;
        const { retryAfter } = error as ProblemError;
        await wait(Math.max(backoff(tries), (retryAfter ?? 0) * 1_000), either).catch(() => {
          throw closing.aborted ? aborted() : error;
        });
      }
    }
  }

  private async token(owner: string | undefined, refused?: string): Promise<string | undefined> {
    const token = await this.session.token(refused);
    // Somebody else signed in since the call was made.
    if (owner !== undefined && ownerOf(token) !== owner) throw signedOut();
    return token;
  }
}
