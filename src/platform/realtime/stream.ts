import { randomBytes } from 'node:crypto';
import { Problem } from '../contract/problem.ts';
import { NotFound, Unavailable } from '../contract/platform.problems.ts';
import { cursorText } from './cursor.ts';
import { Batch } from './frame.ts';
import type { Subscriber } from './subscriber.ts';
import { StreamFrame, type WireEntry } from './stream-frame.ts';

/** A client that is further behind is told to read by operations instead. */
export const MOST_BEHIND = 200;
/** Entries of one read: a client at the limit, and what happened meanwhile. */
const READ = MOST_BEHIND + 56;
/** Frames are kept this long for clients that come back, so that a thousand of them are one read. */
const KEEP_MS = 60_000;

/** What a stream needs of the hub and its channel. */
export interface StreamParts {
  /** Entries after `seq`, shaped. */
  read(key: string, seq: number, limit: number): Promise<readonly WireEntry[]>;
  /** Names of the events after which somebody may have lost access. */
  readonly revoking: ReadonlySet<string>;
  /** Runs `stream.flush()` at the end of this turn of the event loop. */
  flushSoon(stream: Stream): void;
  /** Something was missing and has been asked for. */
  onGap(): void;
}

/**
 * One sequence of a channel in this process: how far it is known, who follows it, and the newest frames. It takes entries
 * in any order and any number of times; what goes on to subscribers is in order, without gaps and once.
 */
export class Stream {
  /** What clients know it by. */
  readonly name = randomBytes(6).toString('base64url');
  readonly key: string;
  readonly subscribers = new Set<Subscriber>();
  /** Those who have all that was flushed. */
  readonly live = new Set<Subscriber>();
  /** As {@link confirmedAt}. */
  private openedAt = performance.now();
  /** Callers who are about to follow. */
  joining = 0;
  epoch: string;
  /** Number of the newest entry that is known. */
  seq: number;
  /** Number of the newest entry that went to who is live. */
  flushed: number;
  /** When the database last confirmed that nothing is missing, in milliseconds of `performance.now()`. */
  confirmedAt: number;
  private readonly parts: StreamParts;
  /** The newest frames, up to and with `seq`. */
  private recent: StreamFrame[] = [];
  private tails = new Map<number, Batch>();
  /** The lowest number that somebody waits for. */
  private wanted = Infinity;
  private reading: Promise<number> | undefined;
  /** Where the last read began; Infinity when it failed. */
  private lastRead = Infinity;

  constructor(key: string, epoch: string, seq: number, confirmedAt: number, parts: StreamParts) {
    this.key = key;
    this.epoch = epoch;
    this.seq = seq;
    this.flushed = seq;
    this.confirmedAt = confirmedAt;
    this.parts = parts;
  }

  /** Behind what went to who is live. */
  get cursor(): string {
    return cursorText({ epoch: this.epoch, seq: this.flushed });
  }

  /** Somebody follows, or is about to: it has to be fed. */
  get inUse(): boolean {
    return this.subscribers.size > 0 || this.joining > 0;
  }

  /** Entries that were committed. Those that are known already are left out; a gap before them is read. */
  accept(entries: readonly WireEntry[]): void {
    for (const entry of entries) {
      const [seq] = entry;
      if (seq <= this.seq) continue;
      if (seq > this.seq + 1) {
        this.parts.onGap();
        return this.catchUp();
      }
      this.recent.push(new StreamFrame(this.epoch, entry, performance.now()));
      this.seq = seq;
    }
    if (this.seq > this.flushed) this.parts.flushSoon(this);
  }

  /** Reads what is missing at the end. When that fails, the next look at the head tries again. */
  catchUp(): void {
    this.fetch(this.seq).catch(() => {});
  }

  /** Reads until entry `seq` is known. */
  async reach(seq: number): Promise<void> {
    while (this.seq < seq) {
      const known = this.seq;
      await this.fetch(known);
      if (this.seq === known) return;
    }
  }

  /** Whether something that is known since `time` may have cost the person their access. */
  revokedSince(time: number, mayConcern: (personId: string | undefined) => boolean): boolean {
    if (this.openedAt >= time) return true;
    return this.recent.some((frame) => frame.since >= time && this.parts.revoking.has(frame.event) && mayConcern(frame.personId));
  }

  /**
   * The frames after `position` that are flushed, read if need be; undefined where the database does not have all of them.
   * Empty when there are none.
   */
  async after(position: number): Promise<Batch | undefined> {
    for (;;) {
      if (position >= this.flushed) return new Batch(this.name, []);
      const tail = this.tail(position);
      if (tail) return tail;
      const { epoch } = this;
      const from = await this.fetch(position);
      if (from <= position && position < this.flushed && !this.tail(position)) return undefined;
      if (epoch !== this.epoch) return undefined;
    }
  }

  /** Sends what is new to who is live. Who may have lost access by it waits until that is known. */
  flush(): void {
    const from = this.flushed;
    if (this.seq <= from) return;
    const batch = this.tail(from, this.seq)!;
    this.flushed = this.seq;
    this.tails.clear();
    for (const frame of batch.frames as readonly StreamFrame[])
      if (this.parts.revoking.has(frame.event))
        for (const subscriber of this.subscribers) if (subscriber.isAbout(frame.personId)) subscriber.doubt(from);
    for (const subscriber of this.live) subscriber.deliver(batch);
  }

  /** The database has another history than this process: subscribers begin anew at its head. */
  restart(epoch: string, seq: number, confirmedAt: number): void {
    this.epoch = epoch;
    this.seq = seq;
    this.flushed = seq;
    this.confirmedAt = confirmedAt;
    this.openedAt = performance.now();
    this.recent = [];
    this.tails.clear();
    for (const subscriber of this.subscribers) subscriber.restart();
  }

  end(problem: Problem | undefined): void {
    for (const subscriber of this.subscribers) subscriber.end(problem);
  }

  /** There is no such stream any more. */
  gone(): void {
    this.end(new Problem(NotFound));
  }

  /** The database has not confirmed for too long that nobody lost access. */
  unconfirmed(): void {
    this.end(new Problem(Unavailable, undefined, { retryAfter: 1 }));
  }

  forgetOld(now: number): void {
    const { recent } = this;
    if (recent.length === 0 || (recent[0]!.since > now - KEEP_MS && recent.length <= READ)) return;
    const firstKept = recent.findIndex(({ since }) => since > now - KEEP_MS);
    const fresh = firstKept < 0 ? recent.length : firstKept;
    this.recent = recent.slice(Math.min(Math.max(fresh, recent.length - READ), recent.length - (this.seq - this.flushed)));
  }

  /** Frames after `position` up to `last`; undefined where they are not in memory. */
  private tail(position: number, last = this.flushed): Batch | undefined {
    const first = this.recent[0];
    if (!first || first.seq > position + 1) return undefined;
    const start = position + 1 - first.seq;
    const end = last + 1 - first.seq;
    if (start === 0 && end === this.recent.length) return this.remembered(position, () => [...this.recent]);
    return this.remembered(position, () => this.recent.slice(start, end));
  }

  private remembered(position: number, frames: () => StreamFrame[]): Batch {
    let batch = this.tails.get(position);
    if (!batch) this.tails.set(position, (batch = new Batch(this.name, frames())));
    return batch;
  }

  /** Reads from the lowest number that anybody wants, and answers it. While one read is under way the next one gathers. */
  private async fetch(position: number): Promise<number> {
    this.wanted = Math.min(this.wanted, position);
    while (this.reading) await this.reading.catch(() => {});
    if (this.wanted === Infinity) return this.lastRead;
    const from = this.wanted;
    this.wanted = Infinity;
    this.reading = this.read(from).finally(() => (this.reading = undefined));
    return this.reading;
  }

  private async read(from: number): Promise<number> {
    const { epoch } = this;
    this.lastRead = Infinity;
    const entries = await this.parts.read(this.key, from, READ);
    this.lastRead = from;
    if (epoch !== this.epoch) return from;
    this.prepend(entries);
    this.acceptRead(entries);
    return from;
  }

  private acceptRead(entries: readonly WireEntry[]): void {
    const fresh = entries.filter(([seq]) => seq > this.seq);
    const gap = fresh.findIndex(([seq], index) => seq !== this.seq + 1 + index) >= 0;
    // The database does not keep what is missing: everybody begins anew.
    if (gap) this.restart(this.epoch, fresh.at(-1)![0], this.confirmedAt);
    else this.accept(fresh);
  }

  /** Puts older entries before the frames in memory, as far as they join them. */
  private prepend(entries: readonly WireEntry[]): void {
    const boundary = this.recent[0]?.seq ?? this.seq + 1;
    const older = entries.filter(([seq]) => seq < boundary);
    let start = older.length;
    while (start > 0 && older[start - 1]![0] === boundary - (older.length - start) - 1) start--;
    if (start === older.length) return;
    const now = performance.now();
    const frames = older.slice(start).map((entry) => new StreamFrame(this.epoch, entry, now));
    this.recent = [...frames, ...this.recent];
    this.tails.clear();
  }
}
