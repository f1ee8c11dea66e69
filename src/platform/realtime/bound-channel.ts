import type { ChannelDefinition } from '../contract/channel.ts';
import type { Problem } from '../contract/problem.ts';
import type { Call } from '../operations/bound-operation.ts';
import type { Batch } from './frame.ts';

/** What a transport makes of a client's wish to subscribe. Its `input` are the channel's params. */
export interface SubscribeCall extends Pick<Call, 'input' | 'credentials' | 'origin' | 'unknownFields' | 'signal'> {
  /** Cursor of the last frame that the client got; undefined to begin with what happens from now on. */
  readonly after: string | undefined;
}

/** Where a subscription's frames go. No function may throw; none is called after `end`. */
export interface Sink {
  /** The next frames, in order and without gaps. The batch is shared with the other subscribers of the stream. */
  deliver(batch: Batch): void;
  /** What came before `cursor` was left out and must be read by operations; frames go on after it. */
  reset(cursor: string): void;
  /** It is over: for the reason given, or, where there is none, because this process stops; the client may subscribe elsewhere. */
  end(problem: Problem | undefined): void;
}

export interface Subscription {
  /** Names the stream within this process; the same for all who follow it. */
  readonly stream: string;
  /** Where the stream begins for this subscriber: its first frame is the next one after. */
  readonly cursor: string;
  /** True when frames before `cursor` were left out, because the client was away too long or its cursor is not of this history. */
  readonly reset: boolean;
  /** When the caller's token ends, in seconds since 1970; the subscription ends then, unless it is renewed. */
  readonly expiresAt: number;
  /** Begins to deliver what was missed, then what happens. Called once; never calls the sink before it returns. */
  start(sink: Sink): void;
  /** Goes on with a new token of the same person in the same organization. @throws Problem Unauthenticated for any other */
  renew(token: string): void;
  /** The client wants no more. The sink's `end` is not called. */
  close(): void;
}

/** A channel with something behind it. Transports know nothing else of realtime. */
export interface BoundChannel {
  readonly contract: ChannelDefinition;
  /** @throws Problem when the caller may not follow the stream, or the params are wrong */
  subscribe(call: SubscribeCall): Promise<Subscription>;
}
