import { Logger } from '@nestjs/common';
import type { ChannelDefinition } from '../contract/channel.ts';
import { Unauthenticated, Unavailable } from '../contract/platform.problems.ts';
import { Problem } from '../contract/problem.ts';
import type { Database } from '../database/database.ts';
import { historyOf } from '../database/history.ts';
import type { Metrics } from '../observability/metrics.ts';
import { itemShape } from '../operations/output.ts';
import type { AccessTokens } from '../security/access-tokens.ts';
import type { ChannelHandler, Entry } from './channel-handler.ts';
import { type FanOut, type News, noFanOut } from './fan-out.ts';
import { namesOf, type WireEntry } from './stream-frame.ts';
import { Stream, type StreamParts } from './stream.ts';
import type { Subscriber } from './subscriber.ts';

/** How often every stream in use is held against the database: what news did not bring is found then. */
const LOOK_EVERY_MS = 1_500;
/** A stream that the database has not confirmed for this long ends: somebody may have lost access meanwhile. */
const CONFIRMED_MS = 4_000;
const SWEEP_EVERY_MS = 500;
/** Streams of one query. */
const CHUNK = 500;

interface Served {
  readonly contract: ChannelDefinition<any, any>;
  readonly handler: ChannelHandler<any>;
  readonly database: Database<any>;
  readonly shape: (item: unknown) => unknown;
  readonly parts: StreamParts;
  readonly streams: Map<string, Promise<Stream> | Stream>;
  /** True while its streams are held against the database. */
  looking: boolean;
  /** What the database's history was called when it was last asked. */
  history?: { readonly name: string; readonly at: number };
}

/** The streams of this process and who follows them. */
export class Hub {
  private readonly logger = new Logger(Hub.name);
  private readonly served = new Map<string, Served>();
  private readonly subscribers = new Set<Subscriber>();
  private readonly toFlush = new Set<Stream>();
  private flushing = false;
  private timers: NodeJS.Timeout[] = [];
  private closed = false;
  private fanOut: FanOut = noFanOut;
  private readonly tokens: AccessTokens;
  private readonly metrics: Metrics;

  constructor(tokens: AccessTokens, metrics: Metrics) {
    this.tokens = tokens;
    this.metrics = metrics;
    metrics.observe('realtime_subscriptions', 'Subscriptions to channels.', () => this.subscribers.size);
    metrics.observe('realtime_streams', 'Streams that somebody follows.', () => this.streamCount());
  }

  /** Begins to look after subscriptions; `fanOut` carries news to and from other processes. */
  open(fanOut: FanOut): void {
    this.fanOut = fanOut;
    this.timers = [
      setInterval(() => this.look(), LOOK_EVERY_MS).unref(),
      setInterval(() => this.sweep(), SWEEP_EVERY_MS).unref(),
    ];
  }

  /** Ends every subscription; clients go on elsewhere. */
  async close(): Promise<void> {
    this.closed = true;
    for (const timer of this.timers) clearInterval(timer);
    for (const subscriber of this.subscribers) subscriber.end(undefined);
    await this.fanOut.close();
  }

  serve(contract: ChannelDefinition<any, any>, handler: ChannelHandler<any>, database: Database<any>): void {
    const shape = itemShape(contract.itemType, contract.name);
    const parts: StreamParts = {
      read: async (key, seq, limit) => {
        const entries = await handler.readAfter(key, String(seq), limit);
        return entries.map((entry) => wireEntry(entry, shape));
      },
      revoking: namesOf(contract.revokedBy),
      flushSoon: (stream) => this.flushSoon(stream),
      onGap: () => this.metrics.count('realtime_gaps_total', 'Gaps in what came from other processes, read from the database.'),
    };
    this.served.set(contract.name, { contract, handler, database, shape, parts, streams: new Map(), looking: false });
  }

  /** Entries that have just been committed, or none where somebody should look. */
  publish(channel: string, published: readonly { key: string; entries: readonly Entry<any>[] }[]): void {
    const served = this.served.get(channel);
    if (!served || this.closed) return;
    // Where nobody follows and nobody is told, there is nothing to do.
    const wanted = this.fanOut === noFanOut ? published.filter(({ key }) => served.streams.has(key)) : published;
    const news = wanted.map(({ key, entries }): News => {
      const wire = entries.map((entry) => wireEntry(entry, served.shape));
      this.learn(served, key, wire);
      return { stream: `${channel}/${key}`, entries: wire };
    });
    this.fanOut.publish(news);
  }

  /** What another process has published. */
  heard({ stream, entries }: News): void {
    const slash = stream.indexOf('/');
    const served = this.served.get(stream.slice(0, slash));
    if (served) this.learn(served, stream.slice(slash + 1), entries);
  }

  /** The stream of a key; opened by the first who follows it. @throws Problem Unavailable when the database does not answer */
  async stream(channel: string, key: string): Promise<Stream> {
    if (this.closed) throw new Problem(Unavailable, undefined, { retryAfter: 1 });
    const served = this.served.get(channel)!;
    let stream = served.streams.get(key);
    if (!stream) {
      stream = this.openStream(served, key).then(
        (opened) => (served.streams.set(key, opened), opened),
        (error) => (this.forget(served, key), Promise.reject(error)),
      );
      served.streams.set(key, stream);
    }
    return stream;
  }

  add(subscriber: Subscriber): void {
    this.subscribers.add(subscriber);
  }

  /** A stream without subscribers stays until the next sweep: somebody who reconnects finds it. */
  remove(subscriber: Subscriber): void {
    this.subscribers.delete(subscriber);
  }

  private async openStream(served: Served, key: string): Promise<Stream> {
    // First the ear, then the look: what happens in between is heard.
    this.fanOut.follow(`${served.contract.name}/${key}`);
    const startedAt = performance.now();
    const [epoch, [head]] = await Promise.all([this.recentHistory(served), served.handler.heads([key])]);
    if (!head) throw new Problem(Unavailable, undefined, { retryAfter: 1 });
    return new Stream(key, epoch, Number(head.seq), startedAt, served.parts);
  }

  /** As the last look at the heads has found it; the next one finds out if it has changed since. */
  private async recentHistory(served: Served): Promise<string> {
    const { history } = served;
    if (history && performance.now() - history.at < LOOK_EVERY_MS) return history.name;
    return this.history(served);
  }

  private async history(served: Served): Promise<string> {
    const at = performance.now();
    const name = await historyOf(served.database);
    served.history = { name, at };
    return name;
  }

  private forget(served: Served, key: string) {
    served.streams.delete(key);
    this.fanOut.unfollow(`${served.contract.name}/${key}`);
  }

  private learn({ streams }: Served, key: string, entries: readonly WireEntry[]) {
    const stream = streams.get(key);
    if (stream instanceof Stream) {
      if (entries.length > 0) stream.accept(entries);
      else stream.catchUp();
    } else if (stream) {
      // It is being opened; its head may have been read before this was committed.
      void stream.then((opened) => opened.catchUp()).catch(() => {});
    }
  }

  private flushSoon(stream: Stream) {
    this.toFlush.add(stream);
    if (this.flushing) return;
    this.flushing = true;
    setImmediate(() => {
      this.flushing = false;
      const streams = [...this.toFlush];
      this.toFlush.clear();
      for (const each of streams) each.flush();
    });
  }

  /** Holds every stream in use against the database. One that does not answer keeps nobody else waiting. */
  private look(): void {
    for (const served of this.served.values()) {
      if (served.looking) continue;
      served.looking = true;
      this.lookAt(served)
        .catch((error: Error) => this.logger.debug(`streams of ${served.contract.name} are not confirmed: ${error.message}`))
        .finally(() => (served.looking = false));
    }
  }

  private async lookAt(served: Served): Promise<void> {
    const streams = [...served.streams.values()].filter((stream) => stream instanceof Stream);
    if (streams.length === 0) return;
    for (const stream of streams) if (stream.subscribers.size === 0) this.forget(served, stream.key);
    const used = streams.filter(({ subscribers }) => subscribers.size > 0);
    for (let from = 0; from < used.length; from += CHUNK) await this.confirm(served, used.slice(from, from + CHUNK));
  }

  private async confirm(served: Served, streams: readonly Stream[]): Promise<void> {
    const startedAt = performance.now();
    const known = new Map(streams.map((stream) => [stream, stream.seq]));
    const epoch = await this.history(served);
    const heads = new Map((await served.handler.heads(streams.map(({ key }) => key))).map(({ key, seq }) => [key, Number(seq)]));
    for (const stream of streams) {
      const head = heads.get(stream.key);
      if (head === undefined) stream.gone();
      else if (epoch !== stream.epoch || head < known.get(stream)!) stream.restart(epoch, head, startedAt);
      else if (head <= stream.seq) stream.confirmedAt = startedAt;
      else
        void stream.reach(head).then(
          () => stream.seq >= head && (stream.confirmedAt = startedAt),
          () => {},
        );
    }
  }

  /** Ends what may not go on: tokens that have expired, sessions that have ended, streams and sessions of which nothing is known. */
  private sweep(): void {
    const now = performance.now();
    const seconds = Date.now() / 1_000;
    for (const { streams } of this.served.values())
      for (const stream of streams.values())
        if (stream instanceof Stream) {
          stream.forgetOld(now);
          if (now - stream.confirmedAt > CONFIRMED_MS) stream.unconfirmed();
        }
    const blind = this.tokens.silence() > CONFIRMED_MS;
    for (const subscriber of this.subscribers) {
      const { principal } = subscriber;
      if (!principal) continue;
      if (blind) subscriber.end(new Problem(Unavailable, undefined, { retryAfter: 1 }));
      else if (principal.expiresAt <= seconds || this.tokens.hasEnded(principal.sessionId))
        subscriber.end(new Problem(Unauthenticated));
    }
  }

  private streamCount(): number {
    return [...this.served.values()].reduce((sum, { streams }) => sum + streams.size, 0);
  }
}

const wireEntry = ({ seq, event, personId, item }: Entry<any>, shape: (item: unknown) => unknown): WireEntry => [
  Number(seq),
  event.name,
  personId ?? null,
  shape(item),
];
