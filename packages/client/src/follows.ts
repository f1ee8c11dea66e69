import type { ChannelContract } from './contracts.ts';
import type { Followed, FollowOptions } from './follow.ts';
import { isPassing, isUnauthenticated, ProblemError, signedOut } from './problem.ts';
import type { Session } from './session.ts';
import { type ServerMessage, Socket, type WebSocketClass } from './socket.ts';
import { backoff } from './wait.ts';

interface Following {
  readonly channel: string;
  readonly params: unknown;
  readonly options: FollowOptions<any>;
  cursor: string | undefined;
  /** Known once the server has said it. */
  stream: string | undefined;
  id: number | undefined;
  tries: number;
  retry: ReturnType<typeof setTimeout> | undefined;
}

/** Streams that this client follows over one connection: taken up again, behind the last cursor, whenever that was lost. */
export class Follows {
  readonly socket: Socket;
  private readonly all = new Set<Following>();
  private readonly byStream = new Map<string, Following>();
  private readonly byId = new Map<number, Following>();

  constructor(url: string, session: Session, make: WebSocketClass) {
    this.socket = new Socket(url, session, make, {
      ready: () => this.all.forEach((following) => this.subscribe(following)),
      away: () => this.away(),
      message: (message) => this.heard(message),
      failed: (error) => [...this.all].forEach((following) => this.end(following, error)),
    });
  }

  follow({ name }: ChannelContract, params: unknown, options: FollowOptions<any>): Followed {
    const following: Following = {
      channel: name,
      params,
      options,
      cursor: options.after,
      stream: undefined,
      id: undefined,
      tries: 0,
      retry: undefined,
    };
    this.all.add(following);
    const close = () => this.close(following);
    options.signal?.addEventListener('abort', close, { once: true });
    if (options.signal?.aborted) close();
    else if (this.socket.ready) this.subscribe(following);
    else this.socket.open();
    return {
      get cursor() {
        return following.cursor;
      },
      close,
    };
  }

  private subscribe(following: Following) {
    const { channel, params, cursor } = following;
    if (following.id !== undefined || following.stream !== undefined) return;
    clearTimeout(following.retry);
    following.id = this.socket.id();
    this.byId.set(following.id, following);
    this.socket.say({ type: 'subscribe', id: following.id, channel, params, ...(cursor !== undefined && { after: cursor }) });
  }

  private heard(message: ServerMessage) {
    if (message.type === 'event') {
      const following = this.byStream.get(message.stream);
      if (!following) return;
      following.cursor = message.cursor;
      following.options.onItem(message.item, message.cursor);
    } else if (message.type === 'subscribed') this.subscribed(message);
    else if (message.type === 'reset') {
      const following = this.byStream.get(message.stream);
      if (following) this.reset(following, message.cursor);
    } else if (message.type === 'ended') this.ended(message.stream, message.problem && new ProblemError(message.problem));
    else if (message.type === 'problem') this.refused(message.id!, new ProblemError(message.problem, message.retryAfter));
  }

  private subscribed({ id, stream, cursor, reset }: ServerMessage & { type: 'subscribed' }) {
    const following = this.byId.get(id);
    this.byId.delete(id);
    // It was closed while the answer was under way.
    if (!following || !this.all.has(following)) return this.socket.say({ type: 'unsubscribe', stream });
    following.id = undefined;
    following.stream = stream;
    following.tries = 0;
    this.byStream.set(stream, following);
    if (reset) this.reset(following, cursor);
    following.cursor = cursor;
    following.options.onLive?.(true);
  }

  private reset(following: Following, cursor: string) {
    following.cursor = cursor;
    following.options.onReset?.(cursor);
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
    following.stream = undefined;
    following.options.onLive?.(false);
    this.again(following, error);
  }

  /** Subscribes once more, where that may succeed. */
  private again(following: Following, error: ProblemError | undefined) {
    if (!this.all.has(following)) return;
    if (error && isUnauthenticated(error)) return this.socket.renew();
    if (error && !isPassing(error)) return this.end(following, error);
    const pause = Math.max(backoff(following.tries++), (error?.retryAfter ?? 0) * 1_000);
    following.retry = setTimeout(() => this.socket.ready && this.subscribe(following), pause);
  }

  private away() {
    this.byStream.clear();
    this.byId.clear();
    for (const following of this.all) {
      const live = following.stream !== undefined;
      following.stream = undefined;
      following.id = undefined;
      if (live) following.options.onLive?.(false);
    }
  }

  private end(following: Following, error: ProblemError) {
    this.forget(following);
    following.options.onEnd?.(error);
  }

  private close(following: Following) {
    if (!this.all.has(following)) return;
    if (following.stream !== undefined) this.socket.say({ type: 'unsubscribe', stream: following.stream });
    this.forget(following);
  }

  private forget(following: Following) {
    clearTimeout(following.retry);
    this.all.delete(following);
    if (following.stream !== undefined) this.byStream.delete(following.stream);
    if (this.all.size === 0) this.socket.rest();
  }

  /** Ends all of them. */
  closeAll(): void {
    for (const following of this.all) this.end(following, signedOut());
    this.socket.close();
  }
}
