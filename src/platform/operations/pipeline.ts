import { Injectable } from '@nestjs/common';
import type { Access } from '../contract/access.ts';
import type { OperationDefinition } from '../contract/operation.ts';
import type { RawRouteDefinition } from '../contract/raw-route.ts';
import { Cancelled, DeadlineExceeded } from '../contract/platform.problems.ts';
import { Problem } from '../contract/problem.ts';
import type { Database } from '../database/database.ts';
import { insideTransaction } from '../database/database.ts';
import { AccessTokens } from '../security/access-tokens.ts';
import { RateLimits } from '../security/rate-limits.ts';
import { checkAccess } from './access-rule.ts';
import type { Answer, BoundOperation, Call } from './bound-operation.ts';
import { Caller, type Origin } from './caller.ts';
import type { HandlerEnhancers, OperationContext } from './enhancers.ts';
import { once } from './idempotency.ts';
import { validateInput } from './input.ts';
import { type Shape, shapeOf } from './output.ts';
import { Observation } from './observation.ts';

const RAW_ROUTE_SECONDS = 30;

type HandlerFunction = (input: object, caller: Caller) => unknown;

/** What stands behind an operation in this process. */
export interface BoundHandler {
  readonly contract: OperationDefinition;
  readonly handler: HandlerFunction;
  readonly database: Database<any>;
  readonly enhancers: HandlerEnhancers | undefined;
}

/** A raw route behind the same access rule and limits. */
export interface BoundRawRoute {
  readonly contract: RawRouteDefinition;
  handle(request: unknown, reply: unknown, origin: Origin, token: string | undefined): Promise<unknown>;
}

/**
 * The path of every operation, whatever the protocol:
 * identify → access → (guards) → rate limit → validate → (pipes) → idempotency → (interceptors) handler → shape.
 * Deny comes before validate: who may not call learns nothing of the input.
 */
@Injectable()
export class Pipeline {
  private readonly tokens: AccessTokens;
  private readonly limits: RateLimits;
  private readonly observation: Observation;

  constructor(tokens: AccessTokens, limits: RateLimits, observation: Observation) {
    this.tokens = tokens;
    this.limits = limits;
    this.observation = observation;
  }

  bind(bound: BoundHandler): BoundOperation {
    const { contract } = bound;
    const shape = shapeOf(contract);
    const limiter = this.limits.of(contract);
    const run = async (call: Call): Promise<Answer> => {
      const caller = this.identify(call, contract.access, contract.deadlineSeconds);
      checkAccess(contract.access, caller);
      const context = bound.enhancers?.context(contract, call.input() as object, caller);
      try {
        if (context) await bound.enhancers!.guard(context);
        if (caller.origin.transport !== 'call' && call.counted !== false) await limiter?.(caller);
        const input = validateInput(contract, context ? context.input : call.input(), call.unknownFields);
        return await this.perform(bound, shape, call, input, caller, context);
      } catch (error) {
        if (!context) throw error;
        const answered = await bound.enhancers!.filter(context, error);
        if (answered === undefined) throw error;
        return answerOf(contract, shape, call.form, answered);
      }
    };
    return { contract, invoke: this.observation.around(contract, run) };
  }

  bindRaw(contract: RawRouteDefinition, handler: (...args: any[]) => unknown): BoundRawRoute {
    const limiter = this.limits.of(contract);
    return {
      contract,
      handle: async (request, reply, origin, token) => {
        const caller = this.identify({ credentials: { token }, origin }, contract.access, RAW_ROUTE_SECONDS);
        checkAccess(contract.access, caller);
        await limiter?.(caller);
        return handler(request, reply, caller);
      },
    };
  }

  /** Who asks. @throws Problem Unauthenticated */
  identify(call: Pick<Call, 'credentials' | 'origin' | 'deadline' | 'signal'>, access: Access, seconds: number): Caller {
    const { credentials, origin, signal } = call;
    if (credentials instanceof Caller) return credentials;
    const most = Date.now() + seconds * 1_000;
    const deadline = call.deadline === undefined ? most : Math.min(call.deadline, most);
    const anonymous = () => new Caller('anonymous', origin, deadline, undefined, undefined, signal);
    const caller = () => {
      if (credentials.token === undefined) return anonymous();
      try {
        return new Caller('person', origin, deadline, this.tokens.verify(credentials.token), undefined, signal);
      } catch (error) {
        // Whoever renews a session may still send the access token that has just expired.
        if (access.who === 'anyone') return anonymous();
        throw error;
      }
    };
    return (origin.caller = caller());
  }

  private async perform(
    bound: BoundHandler,
    shape: Shape,
    call: Call,
    input: object,
    caller: Caller,
    context: OperationContext | undefined,
  ): Promise<Answer> {
    const { contract, enhancers } = bound;
    if (context) {
      context.input = input;
      await enhancers!.pipe(context);
    }
    const work = () =>
      context ? enhancers!.intercept(context, async () => bound.handler(context.input, caller)) : bound.handler(input, caller);
    const limited = () => awaited(work(), caller);
    if (contract.retry !== 'key' || call.idempotencyKey === undefined)
      return answerOf(contract, shape, call.form, await limited());
    const answer = await once(
      bound.database,
      contract,
      caller,
      call.idempotencyKey,
      input,
      async () => limited(),
      (result) => shape.json(result ?? {}),
    );
    if ('result' in answer) return answerOf(contract, shape, call.form, answer.result);
    return { ...answerOf(contract, shape, call.form, JSON.parse(answer.stored)), replayed: true };
  }
}

function answerOf(contract: OperationDefinition, shape: Shape, form: Call['form'], result: any): Answer {
  const empty = contract.success === 204;
  return {
    status: contract.success,
    body: empty ? undefined : form === 'json' ? shape.json(result) : shape.value(result),
    version: contract.version ? String(result[contract.version]) : undefined,
    next: contract.paged ? result.next : undefined,
    replayed: false,
  };
}

/** As long as the caller waits. The handler may go on after that; its database statements have limits of their own. */
function awaited(work: any, { deadline, signal }: Caller): unknown {
  if (typeof work?.then !== 'function') return work;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Problem(DeadlineExceeded)), Math.max(0, deadline - Date.now()));
    const cancelled = signal && (() => reject(new Problem(Cancelled)));
    if (signal?.aborted) cancelled!();
    else signal?.addEventListener('abort', cancelled!, { once: true });
    const settle = (how: (value: any) => void) => (value: unknown) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', cancelled!);
      how(value);
    };
    work.then(settle(resolve), settle(reject));
  });
}

/** For the layer that calls other modules: no remote call while rows are locked. */
export function refuseInsideTransaction(operation: string): void {
  if (insideTransaction())
    throw new Error(
      `${operation} was called inside a database transaction: a call may be slow, remote, or fail halfway. Call before or after it.`,
    );
}
