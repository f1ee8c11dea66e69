import { Injectable, Logger } from '@nestjs/common';
import type { ChannelDefinition } from '../contract/channel.ts';
import { DeadlineExceeded } from '../contract/platform.problems.ts';
import { Problem } from '../contract/problem.ts';
import type { Database } from '../database/database.ts';
import { checkAccess } from '../operations/access-rule.ts';
import { Caller, type Origin, type Principal } from '../operations/caller.ts';
import type { HandlerEnhancers } from '../operations/enhancers.ts';
import { validateInput } from '../operations/input.ts';
import { Pipeline } from '../operations/pipeline.ts';
import { AccessTokens } from '../security/access-tokens.ts';
import { RateLimits } from '../security/rate-limits.ts';
import type { BoundChannel, SubscribeCall } from './bound-channel.ts';
import type { ChannelHandler } from './channel-handler.ts';
import { placeOf } from './cursor.ts';
import { Gate } from './gate.ts';
import { Hub } from './hub.ts';
import { MOST_BEHIND, type Stream } from './stream.ts';
import { type Beginning, Subscriber, type SubscriberParts } from './subscriber.ts';

const SUBSCRIBE_SECONDS = 10;
/** Subscriptions that are made at once. When everybody comes back after a restart, whoever else asks is not to wait for all of them. */
const AT_ONCE = 16;

/** What stands behind a channel in this process. */
export interface BoundHandler {
  readonly contract: ChannelDefinition<any, any>;
  readonly handler: ChannelHandler<any>;
  readonly database: Database<any>;
  readonly enhancers: HandlerEnhancers | undefined;
}

/** The path of every subscription, whatever the protocol: identify → access → (guards) → rate limit → validate → authorize. */
@Injectable()
export class ChannelBinding {
  private readonly logger = new Logger(ChannelBinding.name);
  private readonly gate = new Gate(AT_ONCE);

  constructor(
    private readonly pipeline: Pipeline,
    private readonly limits: RateLimits,
    private readonly tokens: AccessTokens,
    private readonly hub: Hub,
  ) {}

  bind({ contract, handler, database, enhancers }: BoundHandler): BoundChannel {
    this.hub.serve(contract, handler, database);
    // An operation may have the same name.
    const limiter = this.limits.of({ name: `${contract.name}#subscribe`, limit: contract.limit });
    const subscribe = async (call: SubscribeCall) => {
      const caller = this.pipeline.identify(call, contract.access, SUBSCRIBE_SECONDS);
      checkAccess(contract.access, caller);
      if (enhancers) await enhancers.guard(enhancers.context(contract, call.input() as object, caller));
      await limiter?.(caller);
      const params = validateInput(contract, call.input(), call.unknownFields);
      return this.gate.pass(() => this.subscribe(contract, handler, params, caller, call.after));
    };
    return { contract, subscribe: (call) => beforeDeadline(subscribe(call)) };
  }

  private async subscribe(
    contract: ChannelDefinition,
    handler: ChannelHandler<any>,
    params: object,
    caller: Caller,
    after: string | undefined,
  ): Promise<Subscriber> {
    const { origin } = caller;
    const parts: SubscriberParts = {
      verify: (token) => this.tokens.verify(token),
      authorize: async (principal) => {
        const asking = again(origin, principal);
        checkAccess(contract.access, asking);
        return handler.authorize(params, asking);
      },
      onEnd: (ended) => this.hub.remove(ended),
      unexpected: (error) => this.logger.error({ err: error, requestId: origin.requestId }, 'unexpected error'),
    };
    const startedAt = performance.now();
    const stream = await this.hub.stream(contract.name, await handler.authorize(params, caller));
    // Held while nobody follows it yet, or the hub would let go of it.
    stream.joining++;
    const subscriber = await beginning(stream, after)
      .then((begin) => new Subscriber(stream, begin, caller.principal, parts))
      .finally(() => stream.joining--);
    this.hub.add(subscriber);
    // Whoever lost access between the question and now is not told of by the stream any more.
    if (stream.revokedSince(startedAt, (personId) => subscriber.isAbout(personId))) subscriber.doubt();
    return subscriber;
  }
}

/** The same caller, later. */
const again = ({ requestId, address, transport }: Origin, principal: Principal | undefined) =>
  new Caller(
    principal ? 'person' : 'anonymous',
    { requestId, address, transport },
    Date.now() + SUBSCRIBE_SECONDS * 1_000,
    principal,
  );

/** Where a client with this cursor begins. One that is too far behind, or of another history, begins at the head. */
async function beginning(stream: Stream, after: string | undefined): Promise<Beginning> {
  const place = after === undefined ? undefined : placeOf(after);
  // What a client has from another process may be news to this one.
  if (place && place.epoch === stream.epoch && place.seq > stream.seq) await stream.reach(place.seq);
  stream.flush();
  const { epoch, flushed, cursor } = stream;
  if (after === undefined) return { position: flushed, cursor, reset: false };
  const follows = place && place.epoch === epoch && place.seq <= flushed && flushed - place.seq <= MOST_BEHIND;
  return follows ? { position: place.seq, cursor: after, reset: false } : { position: flushed, cursor, reset: true };
}

/** A subscriber whom nobody waits for any more is closed. */
function beforeDeadline(subscribing: Promise<Subscriber>): Promise<Subscriber> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Problem(DeadlineExceeded));
      subscribing.then((subscriber) => subscriber.close()).catch(() => {});
    }, SUBSCRIBE_SECONDS * 1_000);
    subscribing.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
