import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { statusOfWhole } from '../load.ts';

/** Milliseconds that each answer took. */
export type Waits = readonly number[];

const CONNECTIONS = 100;
const EVERY_MS = 2;

/** People who go on asking at a steady pace, whatever the server has to do besides: a slow answer keeps nobody else from asking. */
export class Visitors {
  private readonly requests: readonly Buffer[];
  private readonly port: number;
  private readonly free: Socket[] = [];
  private readonly waits: number[] = [];
  /** Since when those wait who found no connection free. */
  private readonly due: number[] = [];
  private failed: Error | undefined;
  private asked = 0;
  private timer: NodeJS.Timeout | undefined;

  private constructor(port: number, requests: readonly Buffer[]) {
    this.port = port;
    this.requests = requests;
  }

  static async come(port: number, requests: readonly Buffer[]): Promise<Visitors> {
    const visitors = new Visitors(port, requests);
    await Promise.all(Array.from({ length: CONNECTIONS }, () => visitors.open()));
    visitors.timer = setInterval(() => visitors.ask(performance.now()), EVERY_MS);
    return visitors;
  }

  /** @throws when a request was refused */
  leave(): Waits {
    clearInterval(this.timer);
    for (const socket of this.free) socket.destroy();
    if (this.failed) throw this.failed;
    return this.waits;
  }

  private async open() {
    const socket = connect({ port: this.port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    socket.on('error', (error) => (this.failed = error));
    this.free.push(socket);
  }

  /** A wait begins when somebody wants to ask, not when a connection is free. */
  private ask(started: number) {
    const socket = this.free.pop();
    if (!socket) return void this.due.push(started);
    let received = Buffer.alloc(0);
    const hear = (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const status = statusOfWhole(received);
      if (status === undefined) return;
      this.waits.push(performance.now() - started);
      socket.off('data', hear);
      this.free.push(socket);
      const next = this.due.shift();
      if (next !== undefined) this.ask(next);
      if (status !== 200) this.failed ??= new Error(`The round is void: a visitor got ${status}.`);
    };
    socket.on('data', hear);
    socket.write(this.requests[this.asked++ % this.requests.length]!);
  }
}

/** What all but one of a hundred waited at most. */
export const p99 = (waits: Waits): number => waits.toSorted((a, b) => a - b)[Math.floor(waits.length * 0.99)]!;
