/** What nobody has used for so long is not needed where it is. Opening a connection costs both sides milliseconds of CPU. */
export const UNUSED_MS = 250;

/** A pool, as far as the budget knows it. */
interface Lender {
  /** Connections that are open or being opened. */
  readonly open: number;
  /** Whether somebody waits for a connection. */
  readonly waits: boolean;
  /** Since when its longest idle connection is unused; Infinity without one. */
  readonly idleSince: number;
  closeIdle(before: number): void;
  /** Closes one idle connection and leaves its slot to the caller. */
  closeLongestIdle(): boolean;
  /** Opens a connection in a slot that was given to this pool, for whoever has waited longest. */
  openForWaiter(): void;
}

/**
 * The connections that a process may have open, lent to its modules' pools by demand. A pool takes a free slot; with
 * none left it takes one of a connection that another pool has not used for a while, or, below its even share, of any that a pool
 * above its own has idle; otherwise it waits. When a connection comes back, its own pool's waiters come first, unless
 * another pool waits with less than its even share: then the slot moves there. So shares even out, and connections
 * don't go back and forth between modules that are busy by turns.
 */
export class ConnectionBudget {
  readonly limit: number;
  readonly pools = new Set<Lender>();
  used = 0;
  readonly #sweep: NodeJS.Timeout;

  constructor(limit: number, idleTimeout: number) {
    this.limit = limit;
    this.#sweep = setInterval(() => {
      const before = Date.now() - idleTimeout;
      for (const pool of this.pools) pool.closeIdle(before);
    }, idleTimeout / 4).unref();
  }

  /** A slot for a new connection: a free one, or one that another pool keeps without need. */
  take(asking: Lender): boolean {
    if (this.used < this.limit) {
      this.used++;
      return true;
    }
    const share = this.#share();
    const unused = Date.now() - UNUSED_MS;
    let longestIdle: Lender | undefined;
    for (const pool of this.pools) {
      if (pool === asking || pool.idleSince >= (longestIdle?.idleSince ?? Infinity)) continue;
      const isOver = asking.open === 0 || (asking.open < share && pool.open > share);
      if (isOver || pool.idleSince <= unused) longestIdle = pool;
    }
    return longestIdle?.closeLongestIdle() === true; // its slot is the asking pool's now: `used` stays
  }

  /** The pool that the slot of a connection of `from` should move to, if any. */
  neediest(from: Lender, fromHasWaiters: boolean): Lender | undefined {
    const poorest = this.#poorest(from);
    if (!poorest || (poorest.open === 0 && !fromHasWaiters)) return poorest;
    const share = this.#share();
    return poorest.open < share && from.open > share ? poorest : undefined;
  }

  /** Gives a slot back; whoever waits gets it. */
  free(from: Lender): void {
    const own = from.waits ? from : undefined;
    const next = own?.open === 0 ? own : own ? (this.neediest(from, true) ?? own) : this.#poorest(from);
    if (next) next.openForWaiter();
    else this.used--;
  }

  /** The pool with the fewest connections of those that wait. */
  #poorest(besides: Lender): Lender | undefined {
    let poorest: Lender | undefined;
    for (const pool of this.pools) if (pool !== besides && pool.waits && pool.open < (poorest?.open ?? Infinity)) poorest = pool;
    return poorest;
  }

  /** What each of the pools in use may have at least. */
  #share(): number {
    let inUse = 0;
    for (const pool of this.pools) if (pool.open > 0 || pool.waits) inUse++;
    return Math.max(1, Math.floor(this.limit / inUse));
  }

  close(): void {
    clearInterval(this.#sweep);
  }
}
