import type { Writable } from 'node:stream';

/** What a write needs of a socket, or of an answer over HTTP/1 or HTTP/2. */
export type Outlet = Pick<Writable, 'write' | 'cork' | 'uncork' | 'writable' | 'writableLength'>;

let due: Outbox[] = [];

function flushDue() {
  const flushing = due;
  due = [];
  for (const outbox of flushing) outbox.flush();
}

/**
 * Writes what came within one turn of the event loop at once. Most of what a delivery costs is the system call, so
 * several messages cost little more than one; where there is only one, it is written as it is.
 */
export class Outbox {
  private readonly out: Outlet;
  private waiting: Buffer | Buffer[] | undefined;
  private waitingBytes = 0;

  constructor(out: Outlet) {
    this.out = out;
  }

  /** Bytes that the other side has not taken yet, as far as this process knows. */
  get backlog(): number {
    return this.out.writableLength + this.waitingBytes;
  }

  put(buffer: Buffer): void {
    const { waiting } = this;
    this.waitingBytes += buffer.length;
    if (waiting === undefined) {
      this.waiting = buffer;
      if (due.push(this) === 1) setImmediate(flushDue);
    } else if (Array.isArray(waiting)) waiting.push(buffer);
    else this.waiting = [waiting, buffer];
  }

  flush(): void {
    const { waiting, out } = this;
    this.waiting = undefined;
    this.waitingBytes = 0;
    if (waiting === undefined || !out.writable) return;
    if (!Array.isArray(waiting)) return void out.write(waiting);
    out.cork();
    for (const buffer of waiting) out.write(buffer);
    out.uncork();
  }
}
