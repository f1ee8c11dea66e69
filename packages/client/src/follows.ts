import type { ChannelContract } from './contracts.ts';
import type { Followed, FollowOptions } from './follow.ts';
import { aborted, isPassing, isUnauthenticated, ProblemError } from './problem.ts';
import type { ServerMessage, WebSocketClass } from './protocol.ts';
import type { Session } from './session.ts';
import { Socket } from './socket.ts';
import { backoff } from './wait.ts';

/** One of those that follow a stream. */
interface Follower {
  readonly options: FollowOptions<any>;
  cursor: string | undefined;
  live: boolean;
  /** Takes its listener off the signal. */
  forget(): void;
}

/** A stream, subscribed to once for all in this client who follow it. */
interface Following {
  readonly key: string;
  readonly channel: string;
  readonly params: unknown;
  readonly followers: Set<Follower>;
  /** Behind which it is taken up. */
  cursor: string | undefined;
  owner: string | undefined;
  /** Known once the server has said it. */
  stream: string | undefined;
  /** While the server has not answered. */
  id: number | undefined;
  tries: number;
  retry: ReturnType<typeof setTimeout> | undefined;
}

/** New tokens that are got for a subscription that is refused with each of them. */
const MOST_RENEWALS = 3;

/** Streams that this client follows over one connection: taken up again, behind the last cursor, whenever that was lost. */
export class Follows {
  readonly socket: Socket;
  private readonly all = new Map<string, Following>();
  private readonly byStream = new Map<string, Following>();
  private readonly byId = new Map<number, Following>();
  private closed = false;

  constructor(url: string, session: Session, make: WebSocketClass) {
    this.socket = new Socket(url, session, make, {
      ready: () => this.all.forEach((following) => this.subscribe(following)),
      away: () => this.away(),
      message: (message) => this.heard(message),
      failed: (error) => this.endAll(error),
    });
  }

  follow({ name }: ChannelContract, params: unknown, options: FollowOptions<any>): Followed {
    const following = this.following(name, params, options.after);
    const close = () => this.close(following, follower);
    const { signal } = options;
    const follower: Follower = {
      options,
      cursor: options.after,
      live: false,
      forget: () => signal?.removeEventListener('abort', close),
    };
    following.followers.add(follower);
    signal?.addEventListener('abort', close, { once: true });
    if (signal?.aborted) close();
    else if (this.closed) queueMicrotask(() => this.end(following, aborted()));
    else if (following.stream !== undefined) queueMicrotask(() => this.join(following, follower, following.cursor));
    else if (this.socket.ready) this.subscribe(following);
    else this.socket.open();
    return {
      get cursor() {
        return follower.cursor;
      },
      close,
    };
  }

  private following(channel: string, params: unknown, after: string | undefined): Following {
    const key = JSON.stringify([channel, Object.entries(params ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))]);
    let following = this.all.get(key);
    if (!following) {
      const fresh = { stream: undefined, id: undefined, owner: undefined, tries: 0, retry: undefined };
      following = { key, channel, params, followers: new Set(), cursor: after, ...fresh };
      this.all.set(key, following);
    }
    return following;
  }

  private subscribe(following: Following) {
    if (following.id !== undefined || following.stream !== undefined) return;
    clearTimeout(following.retry);
    const { owner } = this.socket;
    // What somebody else has seen says nothing of what this person has.
    if (following.owner !== undefined && following.owner !== owner) following.cursor = undefined;
    following.owner = owner;
    following.id = this.socket.id();
    this.byId.set(following.id, following);
    const { id, channel, params, cursor } = following;
    this.socket.say({ type: 'subscribe', id, channel, params, ...(cursor !== undefined && { after: cursor }) });
  }

  private heard(message: ServerMessage) {
    if (message.type === 'event') this.event(message);
    else if (message.type === 'subscribed') this.subscribed(message);
    else if (message.type === 'reset') this.reset(message);
    else if (message.type === 'ended') this.ended(message.stream, message.problem && new ProblemError(message.problem));
    else if (message.type === 'problem') this.refused(message.id!, new ProblemError(message.problem, message.retryAfter));
  }

  private event({ stream, cursor, item }: ServerMessage & { type: 'event' }) {
    const following = this.byStream.get(stream);
    if (!following) return;
    following.cursor = cursor;
    for (const follower of following.followers) {
      if (!follower.live) continue;
      follower.cursor = cursor;
      tell(() => follower.options.onItem(item, cursor));
    }
  }

  private subscribed({ id, stream, cursor, reset }: ServerMessage & { type: 'subscribed' }) {
    const following = this.byId.get(id);
    this.byId.delete(id);
    if (!following) return this.socket.say({ type: 'unsubscribe', stream });
    const behind = reset ? undefined : following.cursor;
    Object.assign(following, { id: undefined, stream, tries: 0, cursor });
    this.byStream.set(stream, following);
    for (const follower of following.followers) this.join(following, follower, behind);
    // All of them left while the answer was under way.
    this.leaveIfNobodyFollows(following);
  }

  /** It gets what comes behind the cursor `behind`; whoever was elsewhere has left something out. */
  private join(following: Following, follower: Follower, behind: string | undefined) {
    if (follower.live || following.stream === undefined || !following.followers.has(follower)) return;
    const { cursor } = following;
    const missed = follower.cursor !== undefined && follower.cursor !== behind;
    follower.live = true;
    follower.cursor = cursor;
    if (missed) tell(() => follower.options.onReset?.(cursor!));
    tell(() => follower.options.onLive?.(true));
  }

  private reset({ stream, cursor }: ServerMessage & { type: 'reset' }) {
    const following = this.byStream.get(stream);
    if (!following) return;
    following.cursor = cursor;
    for (const follower of following.followers) {
      follower.cursor = cursor;
      tell(() => follower.options.onReset?.(cursor));
    }
  }

  private refused(id: number, error: ProblemError) {
    const following = this.byId.get(id);
    this.byId.delete(id);
    if (!following) return;
    following.id = undefined;
    this.again(following, error);
  }

  private ended(stream: string, error: ProblemError | undefined) {
    const following = this.byStream.get(stream);
    this.byStream.delete(stream);
    if (!following) return;
    this.interrupt(following);
    this.again(following, error);
  }

  /** Subscribes once more, where that may succeed. */
  private again(following: Following, error: ProblemError | undefined) {
    if (this.leaveIfNobodyFollows(following)) return;
    if (error && isUnauthenticated(error) && following.tries++ < MOST_RENEWALS) return this.socket.renew();
    if (error && !isPassing(error)) return this.end(following, error);
    const pause = Math.max(backoff(following.tries++), (error?.retryAfter ?? 0) * 1_000);
    following.retry = setTimeout(() => this.socket.ready && this.subscribe(following), pause);
  }

  private away() {
    this.byStream.clear();
    this.byId.clear();
    for (const following of this.all.values()) {
      following.id = undefined;
      this.interrupt(following);
      this.leaveIfNobodyFollows(following);
    }
  }

  private interrupt(following: Following) {
    following.stream = undefined;
    for (const follower of following.followers) {
      if (!follower.live) continue;
      follower.live = false;
      tell(() => follower.options.onLive?.(false));
    }
  }

  private endAll(error: ProblemError) {
    for (const following of this.all.values()) this.end(following, error);
  }

  private end(following: Following, error: ProblemError) {
    const followers = [...following.followers];
    following.followers.clear();
    this.leaveIfNobodyFollows(following);
    for (const follower of followers) {
      follower.forget();
      tell(() => follower.options.onEnd?.(error));
    }
  }

  private close(following: Following, follower: Follower) {
    follower.forget();
    if (following.followers.delete(follower)) this.leaveIfNobodyFollows(following);
  }

  /** One whose answer is under way stays until it comes: the next to follow takes it over. */
  private leaveIfNobodyFollows(following: Following): boolean {
    if (following.followers.size > 0) return false;
    clearTimeout(following.retry);
    if (following.stream !== undefined) {
      this.socket.say({ type: 'unsubscribe', stream: following.stream });
      this.byStream.delete(following.stream);
      following.stream = undefined;
    }
    if (following.id === undefined && this.all.get(following.key) === following) this.all.delete(following.key);
    // Whoever closes and follows again at once keeps the connection.
    queueMicrotask(() => {
      if ([...this.all.values()].every(({ followers }) => followers.size === 0)) this.socket.rest();
    });
    return true;
  }

  /** Ends all of them. */
  closeAll(): void {
    this.closed = true;
    this.endAll(aborted());
    this.socket.close();
  }
}

/** What one follower throws is an uncaught error like any other, and does not keep the item from the next. */
function tell(listener: () => void) {
  try {
    listener();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
