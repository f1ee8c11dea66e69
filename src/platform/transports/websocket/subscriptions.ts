import { AlreadySubscribed, Cancelled, TooManyRequests } from '../../contract/platform.problems.ts';
import { Problem } from '../../contract/problem.ts';
import { randomHex } from '../../observability/request-context.ts';
import type { Sink, Subscription } from '../../realtime/bound-channel.ts';
import type { Batch } from '../../realtime/frame.ts';
import type { SubscribeMessage } from './client-messages.ts';
import type { Connection } from './connection.ts';
import { exchange } from './exchange.ts';
import { MOST_SUBSCRIPTIONS } from './protocol.ts';
import { ended, EVENTS, reset, subscribed } from './server-messages.ts';

/** A stream that a connection follows. */
export interface Followed {
  readonly subscription: Subscription;
  /** Whose token it lives by: the connection's, or one of its own; none where anyone may follow. */
  readonly token: 'connection' | 'own' | 'none';
  /** Whether the client was told that its own token ends soon. */
  warned: boolean;
}

/** Where the frames of one subscription go. */
class SocketSink implements Sink {
  private readonly connection: Connection;
  private readonly stream: string;
  /** The first batch is what the client missed, if it missed anything. */
  private first: boolean;

  constructor(connection: Connection, stream: string, resumes: boolean) {
    this.connection = connection;
    this.stream = stream;
    this.first = resumes;
  }

  deliver(batch: Batch): void {
    const frames = batch.as(EVENTS);
    if (this.first) this.connection.sendAsked(frames);
    else this.connection.deliver(frames);
    this.first = false;
  }

  reset(cursor: string): void {
    this.connection.send(reset(this.stream, cursor));
  }

  end(problem: Problem | undefined): void {
    forget(this.connection, this.stream);
    this.connection.send(ended(this.stream, problem, randomHex(8)));
  }
}

/** Turns a message into a subscription; who may follow what is the channel's question. */
export function subscribe(connection: Connection, message: SubscribeMessage): Promise<void> {
  const { id } = message;
  return exchange(connection, id, connection.behind.channels.get(message.channel), async (channel, origin, signal) => {
    refuseMore(connection);
    const token = message.token ?? connection.token;
    connection.subscribing++;
    const subscribing = channel.subscribe({
      input: () => message.params ?? {},
      credentials: { token },
      origin,
      unknownFields: 'refuse',
      signal,
      after: message.after,
    });
    const over = subscribing.finally(() => {
      connection.subscribing--;
      // Answered long ago: what waited for it goes on.
      if (signal.aborted) connection.goOn();
    });
    const subscription = await unlessCancelled(over, signal);
    const { stream } = subscription;
    const own = message.token !== undefined;
    const whose = own ? 'own' : token === undefined ? 'none' : 'connection';
    try {
      refuseMore(connection);
      if (connection.followed?.has(stream)) throw new Problem(AlreadySubscribed);
      // Renewed meanwhile: that was for what was followed already.
      if (whose === 'connection' && connection.token !== token) subscription.renew(connection.token!);
    } catch (error) {
      subscription.close();
      throw error;
    }
    (connection.followed ??= new Map()).set(stream, {
      subscription,
      token: whose,
      warned: false,
    });
    if (own) connection.ownTokens++;
    connection.send(subscribed(id, subscription));
    subscription.start(new SocketSink(connection, stream, message.after !== undefined));
    return 200;
  });
}

/** Who calls it off waits no longer; what is made all the same is closed. @throws Problem Cancelled */
function unlessCancelled(subscribing: Promise<Subscription>, signal: AbortSignal): Promise<Subscription> {
  return new Promise((resolve, reject) => {
    const cancel = () => reject(new Problem(Cancelled));
    signal.addEventListener('abort', cancel, { once: true });
    subscribing.then((subscription) => {
      signal.removeEventListener('abort', cancel);
      if (signal.aborted) subscription.close();
      else resolve(subscription);
    }, reject);
  });
}

function refuseMore({ followed }: Connection) {
  if ((followed?.size ?? 0) >= MOST_SUBSCRIPTIONS)
    throw new Problem(TooManyRequests, `A connection follows ${MOST_SUBSCRIPTIONS} streams at most`);
}

export function unsubscribe(connection: Connection, stream: string): void {
  forget(connection, stream)?.subscription.close();
  // Also where it has ended by itself meanwhile: whoever asks gets an answer.
  connection.send(ended(stream));
}

export function closeSubscriptions(connection: Connection): void {
  const { followed } = connection;
  connection.followed = undefined;
  for (const { subscription } of followed?.values() ?? []) subscription.close();
}

function forget(connection: Connection, stream: string): Followed | undefined {
  const followed = connection.followed?.get(stream);
  if (!followed) return undefined;
  connection.followed!.delete(stream);
  if (followed.token === 'own') connection.ownTokens--;
  return followed;
}
