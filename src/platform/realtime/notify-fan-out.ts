import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import type { Database } from '../database/database.ts';
import type { Databases } from '../database/databases.ts';
import { Listener } from '../database/listener.ts';
import { directUrlOf } from '../database/options.ts';
import { detached } from '../database/scope.ts';
import type { FanOut, News, OnNews } from './fan-out.ts';

const CHANNEL = 'fondasi_streams';
/** PostgreSQL takes less than 8,000 bytes. */
const LONGEST = 7_900;

/** Through PostgreSQL's NOTIFY, for several processes without Redis. Every process hears the names of all streams that change. */
export class NotifyFanOut implements FanOut {
  /** By module; modules in one database share one. */
  private readonly notifiers = new Map<string, Notifier>();

  constructor(databases: Databases, modules: readonly string[], onNews: OnNews) {
    const byUrl = new Map<string, Notifier>();
    for (const module of modules) {
      const url = directUrlOf(databases.options, module);
      const notifier = byUrl.get(url) ?? new Notifier(databases, module, onNews);
      byUrl.set(url, notifier);
      this.notifiers.set(module, notifier);
    }
  }

  publish(news: readonly News[]): void {
    for (const { stream } of news) this.notifiers.get(stream.slice(0, stream.indexOf('.')))?.say(stream);
  }

  follow(): void {}
  unfollow(): void {}

  async close(): Promise<void> {
    await Promise.all([...new Set(this.notifiers.values())].map((notifier) => notifier.close()));
  }
}

/** One NOTIFY for all that was said while the last one was under way. */
class Notifier {
  private readonly database: Database<unknown>;
  private readonly listener: Listener;
  private readonly self = randomBytes(6).toString('base64url');
  private waiting = new Set<string>();
  private busy = false;

  constructor(databases: Databases, module: string, onNews: OnNews) {
    this.database = databases.of(module);
    this.listener = new Listener(databases.options, module, CHANNEL, (payload) => {
      const [from, ...streams] = payload.split('\n');
      if (from === this.self) return;
      for (const stream of streams) onNews({ stream, entries: [] });
    });
  }

  say(stream: string): void {
    this.waiting.add(stream);
    if (!this.busy) detached(() => void this.notifyAll());
  }

  close(): Promise<void> {
    return this.listener.close();
  }

  private async notifyAll(): Promise<void> {
    this.busy = true;
    // All that one turn of the event loop commits goes together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.waiting.size > 0) {
      const streams = [...this.waiting];
      this.waiting = new Set();
      // A process that misses it finds out by the head of the stream.
      for (const payload of payloads(this.self, streams)) await this.notify(payload).catch(() => {});
    }
    this.busy = false;
  }

  /** Nothing is lost with it, so that nobody waits for the disk. */
  private notify(payload: string): Promise<unknown> {
    const asynchronously = sql`set_config('synchronous_commit', 'off', true)`;
    return sql`select ${asynchronously}, pg_notify(${CHANNEL}, ${payload})`.execute(this.database.kysely);
  }
}

/** The sender and the streams, a line each, in as few payloads as they fit into. */
export function payloads(sender: string, streams: readonly string[]): string[] {
  const made: string[] = [];
  let payload = sender;
  for (const stream of streams) {
    if (payload !== sender && Buffer.byteLength(payload) + Buffer.byteLength(stream) >= LONGEST) {
      made.push(payload);
      payload = sender;
    }
    payload += `\n${stream}`;
  }
  return [...made, payload];
}
