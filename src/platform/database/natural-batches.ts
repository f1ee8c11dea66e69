import { Unavailable } from '../contract/platform.problems.ts';
import { Problem } from '../contract/problem.ts';
import { detached } from './database.ts';
import { sqlState } from './errors.ts';

export interface BatchLimits {
  /** Batches in flight at once. Two keep the disk busy while the next batch gathers. */
  readonly lanes?: number;
  /** Items of one batch. */
  readonly size?: number;
  /** Items that may wait; more are refused with a 503. */
  readonly queue?: number;
}

interface Waiting<I, O> {
  readonly item: I;
  resolve(result: O): void;
  reject(error: unknown): void;
}

/**
 * Natural batching: what comes in while a batch is being committed makes the next one. There is no timer, so an item
 * that comes alone goes at once, and the more come at a time, the less each one costs.
 */
export class NaturalBatches<I, O> {
  private readonly run: (items: readonly I[]) => Promise<O[]>;
  private readonly lanes: number;
  private readonly size: number;
  private readonly queue: number;
  private waiting: Waiting<I, O>[] = [];
  private inFlight = 0;
  private scheduled = false;

  /** `run` takes effect for all items or for none, and answers in their order. */
  constructor(run: (items: readonly I[]) => Promise<O[]>, { lanes = 2, size = 512, queue = 20_000 }: BatchLimits = {}) {
    this.run = run;
    this.lanes = lanes;
    this.size = size;
    this.queue = queue;
  }

  add(item: I): Promise<O> {
    if (this.waiting.length >= this.queue) throw new Problem(Unavailable, undefined, { retryAfter: 1 });
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      this.schedule();
    });
  }

  /** Requests that were read from the sockets in the same turn go together. */
  private schedule() {
    if (this.scheduled || this.inFlight >= this.lanes) return;
    this.scheduled = true;
    // Outside of the request that happens to come first: the batch serves all of them.
    detached(() => setImmediate(() => this.start()));
  }

  private start() {
    this.scheduled = false;
    const batch = this.waiting.splice(0, this.size);
    if (batch.length === 0) return;
    this.inFlight++;
    if (this.waiting.length > 0) this.schedule();
    void this.commit(batch).then(() => {
      this.inFlight--;
      if (this.waiting.length > 0) this.schedule();
    });
  }

  /** A batch that its data makes fail is halved until the item at fault is alone: it must not take the others with it. */
  private async commit(batch: Waiting<I, O>[]): Promise<void> {
    try {
      const results = await this.run(batch.map(({ item }) => item));
      batch.forEach(({ resolve }, index) => resolve(results[index]!));
    } catch (error) {
      if (batch.length === 1 || !isAboutData(error)) return batch.forEach(({ reject }) => reject(error));
      const middle = batch.length >> 1;
      await this.commit(batch.slice(0, middle));
      await this.commit(batch.slice(middle));
    }
  }
}

/** Data exceptions and broken constraints; anything else would fail for each item as it did for all. */
const isAboutData = (error: unknown) => /^2[23]/.test(sqlState(error) ?? '');
