import { Unauthenticated, Unavailable } from '../contract/platform.problems.ts';
import { Problem } from '../contract/problem.ts';
import { expectedProblem } from '../operations/error-to-problem.ts';
import type { Principal } from '../operations/caller.ts';
import type { Sink, Subscription } from './bound-channel.ts';
import { Batch } from './frame.ts';
import type { StreamFrame } from './stream-frame.ts';
import type { Stream } from './stream.ts';

/** Where a client begins: behind entry `position`, which is what `cursor` says. */
export interface Beginning {
  readonly position: number;
  readonly cursor: string;
  readonly reset: boolean;
}

/** What a subscriber needs of the hub. */
export interface SubscriberParts {
  verify(token: string): Principal;
  /** Asks again whether the principal may follow the stream. @throws Problem */
  authorize(principal: Principal | undefined): Promise<string>;
  /** It is over, whoever ended it. */
  onEnd(subscriber: Subscriber): void;
  unexpected(error: unknown): void;
}

/** One client on one stream. */
export class Subscriber implements Subscription {
  readonly stream: string;
  readonly cursor: string;
  readonly reset: boolean;
  principal: Principal | undefined;
  private readonly on: Stream;
  private readonly parts: SubscriberParts;
  /** Number of the last frame that went to the sink, unless it is live. */
  private position: number;
  private sink: Sink | undefined;
  private ended = false;
  /** True while it is not known whether the client may still follow. */
  private doubted = false;
  /** True when the stream has begun anew and the client does not know yet. */
  private restarted = false;
  private busy = false;

  constructor(on: Stream, { position, cursor, reset }: Beginning, principal: Principal | undefined, parts: SubscriberParts) {
    this.on = on;
    this.stream = on.name;
    this.position = position;
    this.cursor = cursor;
    this.reset = reset;
    this.principal = principal;
    this.parts = parts;
    on.subscribers.add(this);
  }

  get expiresAt(): number {
    return this.principal?.expiresAt ?? Infinity;
  }

  start(sink: Sink): void {
    this.sink = sink;
    // It ended before it began: whoever ended it had nobody to tell.
    if (this.ended) queueMicrotask(() => sink.end(new Problem(Unavailable, undefined, { retryAfter: 1 })));
    else this.goOn();
  }

  renew(token: string): void {
    const renewed = this.parts.verify(token);
    const { principal } = this;
    if (renewed.personId !== principal?.personId || renewed.organizationId !== principal.organizationId)
      throw new Problem(Unauthenticated);
    this.principal = renewed;
    // Other roles: what the handler has allowed may not be theirs any more.
    if (renewed.roles.join() !== principal.roles.join()) this.doubt();
  }

  close(): void {
    this.finish();
  }

  isAbout(personId: string | undefined): boolean {
    return personId === undefined || this.principal === undefined || this.principal.personId === personId;
  }

  /** A batch that follows what the client has. */
  deliver(batch: Batch): void {
    this.sink!.deliver(batch);
  }

  /** Nothing after `flushed` goes to the client before it is known that it may follow. */
  doubt(flushed = this.on.flushed): void {
    if (this.on.live.delete(this)) this.position = flushed;
    this.doubted = true;
    this.goOn();
  }

  /** The stream begins anew at its head. Who could follow it in another history may not be able to in this one. */
  restart(): void {
    this.on.live.delete(this);
    this.restarted = true;
    this.doubted = true;
    this.goOn();
  }

  end(problem: Problem | undefined): void {
    if (this.ended) return;
    this.finish();
    this.sink?.end(problem);
  }

  private finish() {
    if (this.ended) return;
    this.ended = true;
    this.on.live.delete(this);
    this.on.subscribers.delete(this);
    this.parts.onEnd(this);
  }

  private goOn() {
    if (this.sink) queueMicrotask(() => void this.catchUp());
  }

  private beginAtHead() {
    this.restarted = false;
    this.position = this.on.flushed;
    this.sink!.reset(this.on.cursor);
  }

  /** Delivers what the client lacks, then joins those who are live. */
  private async catchUp(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      while (!this.ended) {
        if (this.doubted) await this.settleDoubt();
        else if (this.restarted) this.beginAtHead();
        else if (this.position >= this.on.flushed) {
          this.on.live.add(this);
          return;
        } else await this.step();
      }
    } catch (error) {
      const problem = expectedProblem(error);
      if (!problem) this.parts.unexpected(error);
      this.end(problem ?? new Problem(Unavailable, undefined, { retryAfter: 1 }));
    } finally {
      this.busy = false;
    }
  }

  private async settleDoubt(): Promise<void> {
    this.doubted = false;
    const key = await this.parts.authorize(this.principal);
    if (key !== this.on.key) this.end(new Problem(Unavailable));
  }

  private async step(): Promise<void> {
    const { position } = this;
    const { epoch } = this.on;
    const batch = await this.on.after(position);
    // Another history, or a doubt, came up meanwhile.
    if (this.ended || this.doubted || epoch !== this.on.epoch) return;
    if (!batch) return this.beginAtHead();
    if (batch.frames.length === 0) return;
    this.position = (batch.frames.at(-1) as StreamFrame).seq;
    this.deliver(batch);
  }
}
