import { setTimeout as delay } from 'node:timers/promises';
import { TooManyRequests, Unavailable } from '../../contract/platform.problems.ts';
import { Problem } from '../../contract/problem.ts';
import type { HeldByAddress } from '../../security/held-by-address.ts';
import { checkTokens } from './authentication.ts';
import type { Connection } from './connection.ts';
import { PING_FRAME } from './server-messages.ts';

const SWEEP_MS = 1_000;
/** Connections are sent away in portions, so that not all come to another process at the same moment. */
const PORTIONS = 100;
const PORTION_MS = 40;
const SMALLEST_PORTION = 100;

/** All that are open: one timer for all of them. */
export class Connections {
  private readonly open = new Set<Connection>();
  private readonly byAddress: HeldByAddress;
  private sweeper: NodeJS.Timeout | undefined;
  private stopping = false;
  private whenEmpty: (() => void) | undefined;

  constructor(byAddress: HeldByAddress) {
    this.byAddress = byAddress;
  }

  get size(): number {
    return this.open.size;
  }

  /** @throws Problem where no more may come, from this address or at all */
  admit(address: string): void {
    if (this.stopping) throw new Problem(Unavailable, undefined, { retryAfter: 1 });
    if (this.byAddress.hasMost(address))
      throw new Problem(TooManyRequests, 'This address holds too many connections', { retryAfter: 10 });
  }

  add(connection: Connection): void {
    this.byAddress.take(connection.address);
    this.open.add(connection);
    this.sweeper ??= setInterval(() => this.sweep(Date.now()), SWEEP_MS).unref();
  }

  remove(connection: Connection): void {
    if (!this.open.delete(connection)) return;
    this.byAddress.release(connection.address);
    if (this.open.size > 0) return;
    clearInterval(this.sweeper);
    this.sweeper = undefined;
    this.whenEmpty?.();
  }

  /** Sends all away, each when its calls have ended; who has not gone after `milliseconds` is cut off. */
  async stop(milliseconds: number): Promise<void> {
    this.stopping = true;
    if (this.open.size === 0) return;
    const empty = new Promise<void>((resolve) => (this.whenEmpty = resolve));
    const force = setTimeout(() => this.open.forEach((connection) => connection.terminate()), milliseconds);
    const leaving = [...this.open];
    const portion = Math.max(SMALLEST_PORTION, Math.ceil(leaving.length / PORTIONS));
    for (let at = 0; at < leaving.length; at += portion) {
      if (at > 0) await delay(PORTION_MS);
      for (const connection of leaving.slice(at, at + portion)) connection.leave();
    }
    await empty;
    clearTimeout(force);
  }

  private sweep(now: number) {
    for (const connection of this.open) {
      if (connection.closing) continue;
      checkTokens(connection, now);
      checkHeartbeat(connection, now);
      connection.inThisSecond(now);
      connection.goOn();
    }
  }
}

function checkHeartbeat(connection: Connection, now: number) {
  if (connection.closing || now < connection.nextPing) return;
  if (!connection.isAlive()) return connection.terminate();
  connection.heard = false;
  connection.nextPing = now + connection.behind.timing.heartbeat;
  connection.write(PING_FRAME);
}
