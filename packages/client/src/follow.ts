import type { ProblemError } from './problem.ts';

/** What to do with what comes. The functions are called one after the other, in the order of the stream. */
export interface FollowOptions<I> {
  onItem(item: I, cursor: string): void;
  /** Something was left out because this client was away too long: read it by operations. Items go on after it. */
  onReset?(cursor: string): void;
  /** True once items come, false while the connection is away. */
  onLive?(live: boolean): void;
  /** It is over and will not come back: access was lost, the params are wrong, nobody is signed in, the client was closed. */
  onEnd?(error: ProblemError): void;
  /** The last cursor of an earlier visit: goes on after it, or from where others in this client are, after `onReset`. */
  readonly after?: string | undefined;
  readonly signal?: AbortSignal;
}

export interface Followed {
  /** The cursor of the last item; to be kept for the next visit. */
  readonly cursor: string | undefined;
  close(): void;
}
