import { TooManyRequests } from '../../contract/platform.problems.ts';
import { Problem } from '../../contract/problem.ts';
import type { Origin } from '../../operations/caller.ts';
import { addressKey } from '../../security/rate-limits.ts';
import type { EventStream } from './event-stream.ts';

/** Streams that one caller may read at once. */
const MOST_STREAMS = 100;

/** All that are being read: one timer for all of them, and a count by caller. */
export class EventStreams {
  private readonly open = new Set<EventStream>();
  private readonly byCaller = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;
  private readonly heartbeat: number;

  /** `heartbeat` in milliseconds. */
  constructor(heartbeat: number) {
    this.heartbeat = heartbeat;
  }

  get size(): number {
    return this.open.size;
  }

  /** Counts a stream of the caller, until the function that it returns is called. @throws Problem TooManyRequests */
  admit({ caller, address }: Origin): () => void {
    const key = caller?.principal?.personId ?? addressKey(address);
    const count = this.byCaller.get(key) ?? 0;
    if (count >= MOST_STREAMS)
      throw new Problem(TooManyRequests, `A caller reads ${MOST_STREAMS} streams at most`, { retryAfter: 10 });
    this.byCaller.set(key, count + 1);
    return () => {
      const left = this.byCaller.get(key)! - 1;
      if (left > 0) this.byCaller.set(key, left);
      else this.byCaller.delete(key);
    };
  }

  add(stream: EventStream): void {
    this.open.add(stream);
    this.timer ??= setInterval(() => this.open.forEach((each) => each.heartbeat()), this.heartbeat).unref();
  }

  remove(stream: EventStream): void {
    this.open.delete(stream);
    if (this.open.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  stop(): void {
    for (const stream of this.open) stream.close();
  }
}
