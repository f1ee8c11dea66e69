import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { FanOut, News, OnNews } from './fan-out.ts';
import type { WireEntry } from './stream-frame.ts';

const PREFIX = 'stream:';
/** Streams asked for in one command after a reconnection. */
const CHUNK = 500;
const PING_EVERY_MS = 5_000;
const PONG_WITHIN_MS = 2_000;
/** Entries that are longer travel as a mere hint: whoever wants them reads the database. */
const LONGEST = 64 * 1024;

/** Through Redis, a channel of its for each stream, so that a process hears of those only that somebody follows there. */
export class RedisFanOut implements FanOut {
  private readonly publisher: Redis;
  private readonly subscriber: Redis;
  private readonly followed = new Set<string>();
  private readonly pinging: NodeJS.Timeout;
  /** Marks what this process said itself. */
  private readonly self = randomBytes(6).toString('base64url');

  constructor(redis: Redis, onNews: OnNews) {
    this.publisher = redis;
    this.subscriber = redis.duplicate({
      enableOfflineQueue: false,
      autoResubscribe: false,
      commandTimeout: undefined,
      // Nobody may have said anything for a long time.
      socketTimeout: undefined,
      keepAlive: 5_000,
    });
    // The publisher's connection says it already.
    this.subscriber.on('error', () => {});
    this.subscriber.on('ready', () => this.followAll());
    this.subscriber.on('message', (channel: string, message: string) => this.heard(channel, message, onNews));
    this.pinging = setInterval(() => void this.ping(), PING_EVERY_MS).unref();
  }

  publish(news: readonly News[]): void {
    for (const { stream, entries } of news) {
      const text = JSON.stringify(entries);
      const message = this.self + (text.length > LONGEST ? '[]' : text);
      this.publisher.publish(PREFIX + stream, message).catch(() => {});
    }
  }

  follow(stream: string): void {
    this.followed.add(stream);
    if (this.subscriber.status === 'ready') this.subscriber.subscribe(PREFIX + stream).catch(() => {});
  }

  unfollow(stream: string): void {
    this.followed.delete(stream);
    if (this.subscriber.status === 'ready') this.subscriber.unsubscribe(PREFIX + stream).catch(() => {});
  }

  async close(): Promise<void> {
    clearInterval(this.pinging);
    this.subscriber.disconnect();
  }

  /** Silence on a connection that only listens is no sign of anything: one that is dead is opened anew. */
  private async ping(): Promise<void> {
    if (this.subscriber.status !== 'ready') return;
    const late = setTimeout(() => this.subscriber.disconnect(true), PONG_WITHIN_MS);
    await this.subscriber.ping().catch(() => {});
    clearTimeout(late);
  }

  private followAll() {
    const channels = [...this.followed].map((stream) => PREFIX + stream);
    for (let from = 0; from < channels.length; from += CHUNK)
      this.subscriber.subscribe(...channels.slice(from, from + CHUNK)).catch(() => {});
  }

  private heard(channel: string, message: string, onNews: OnNews) {
    if (message.startsWith(this.self)) return;
    onNews({ stream: channel.slice(PREFIX.length), entries: entriesIn(message.slice(this.self.length)) });
  }
}

/** Whatever else writes into this Redis: text that is none of ours is no more than a hint to look. */
function entriesIn(text: string): readonly WireEntry[] {
  try {
    const entries = JSON.parse(text);
    return Array.isArray(entries) && entries.every(isEntry) ? entries : [];
  } catch {
    return [];
  }
}

const isEntry = (entry: unknown): entry is WireEntry =>
  Array.isArray(entry) && entry.length === 4 && Number.isSafeInteger(entry[0]) && typeof entry[1] === 'string';
