import type { FastifyReply } from 'fastify';
import { SubscriberTooSlow } from '../../contract/platform.problems.ts';
import { Problem } from '../../contract/problem.ts';
import type { Sink, Subscription } from '../../realtime/bound-channel.ts';
import type { Batch } from '../../realtime/frame.ts';
import { type Outlet, Outbox } from '../outbox.ts';
import { ended, EVENTS, HEARTBEAT, reset, retry, subscribed } from './encoding.ts';

/** Milliseconds that a slow reader has to take what still waits at the end. */
const LINGER = 3_000;

/** One answer that goes on: the events of one subscription. */
export class EventStream implements Sink {
  private readonly subscription: Subscription;
  private readonly reply: FastifyReply;
  private readonly sendBuffer: number;
  private readonly outbox: Outbox;
  private over = false;

  constructor(subscription: Subscription, reply: FastifyReply, sendBuffer: number) {
    this.subscription = subscription;
    this.reply = reply;
    this.sendBuffer = sendBuffer;
    this.outbox = new Outbox(reply.raw as Outlet);
  }

  /** Sends the head and what the reader has to know first, then what was missed. */
  start(): void {
    const { raw } = this.reply;
    this.reply.hijack();
    raw.writeHead(200, this.reply.getHeaders() as Record<string, string>);
    this.outbox.put(retry());
    this.outbox.put(subscribed(this.subscription));
    this.subscription.start(this);
  }

  deliver(batch: Batch): void {
    if (this.over) return;
    if (this.outbox.backlog <= this.sendBuffer) return this.outbox.put(batch.as(EVENTS));
    this.subscription.close();
    this.end(new Problem(SubscriberTooSlow));
  }

  reset(cursor: string): void {
    if (!this.over) this.outbox.put(reset(cursor));
  }

  /** Without a reason the reader comes back by itself, as after any cut. */
  end(problem: Problem | undefined): void {
    if (this.over) return;
    this.over = true;
    const { raw, request } = this.reply;
    if (problem) this.outbox.put(ended(problem, request.id));
    this.outbox.flush();
    raw.end();
    setTimeout(() => raw.destroy(), LINGER).unref();
  }

  /** Nobody reads any more, or nobody may. */
  close(): void {
    this.subscription.close();
    this.end(undefined);
  }

  heartbeat(): void {
    if (!this.over && this.outbox.backlog === 0) this.outbox.put(HEARTBEAT);
  }
}
