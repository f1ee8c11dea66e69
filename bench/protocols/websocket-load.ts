import type { Socket } from 'node:net';
import type { LoadResult } from '../load.ts';
import { clientFrame, openWebSocket, type Place } from '../websocket.ts';

/** What one connection says: first who it is, if anybody asks, then the same call again and again. */
export interface Caller {
  readonly hello: string | undefined;
  readonly call: string;
}

/** A connection that is signed in, with at most one call under way. */
class Connection {
  readonly opened: Promise<void>;
  private socket!: Socket;
  private readonly call: Buffer;
  private resolve: ((answer: string) => void) | undefined;
  private reject!: (error: Error) => void;

  constructor(place: Place, { hello, call }: Caller) {
    this.call = clientFrame(call);
    this.opened = new Promise((resolve, reject) => {
      this.reject = reject;
      this.resolve = (answer) => (answer.includes('"ready"') ? resolve() : reject(new Error(answer)));
      this.socket = openWebSocket(place, {
        onOpen: () => void (hello === undefined ? resolve() : this.socket.write(clientFrame(hello))),
        onText: (bytes, start, end) => this.resolve!(bytes.toString('latin1', start, Math.min(end, start + 64))),
        onClose: (code, why) => this.reject(new Error(`The server closed a connection: ${code ?? why}`)),
      });
    });
  }

  /** The status of the answer. */
  ask(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.reject = reject;
      this.resolve = (answer) => resolve(Number(/"status":(\d+)/.exec(answer)?.[1] ?? 500));
      this.socket.write(this.call);
    });
  }

  close(): void {
    this.reject = () => {};
    this.socket.destroy();
  }
}

/** Many connections, as a product has them, so that nobody reaches a limit; so many calls at once as there are lanes. */
export class WebSocketLoad {
  private readonly connections: Connection[] = [];

  /** Opens the connections, some at a time: a listen queue has an end. */
  static async open(place: Place, callers: readonly Caller[]): Promise<WebSocketLoad> {
    const made = new WebSocketLoad();
    for (let from = 0; from < callers.length; from += 100) {
      const some = callers.slice(from, from + 100).map((caller) => new Connection(place, caller));
      made.connections.push(...some);
      await Promise.all(some.map(({ opened }) => opened));
    }
    return made;
  }

  async run(lanes: number, seconds: number, awake: boolean): Promise<LoadResult> {
    let spinning = awake;
    const spin = () => void (spinning && setImmediate(spin));
    spin();
    const started = performance.now();
    const deadline = started + seconds * 1_000;
    const refused = new Map<number, number>();
    let requests = 0;
    const lane = async (number: number) => {
      for (let at = number; performance.now() < deadline; at += lanes) {
        const status = await this.connections[at % this.connections.length]!.ask();
        requests++;
        if (status !== 200) refused.set(status, (refused.get(status) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number)));
    spinning = false;
    return { requests, refused, seconds: (performance.now() - started) / 1_000 };
  }

  close(): void {
    for (const connection of this.connections) connection.close();
  }
}
