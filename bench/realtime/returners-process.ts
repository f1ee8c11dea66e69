// Clients who follow a room and come back whenever they are cut off: at random moments, ever more patiently, each with its cursor,
// as the client package does.
import type { Socket } from 'node:net';
import { reportTo } from '../child.ts';
import { clientFrame, openWebSocket } from '../websocket.ts';

export interface Returner {
  readonly port: number;
  readonly token: string;
  readonly roomId: string;
}

export interface Returned {
  /** Clients that follow their room at this moment. */
  readonly live: number;
  /** Events that came to any of them. */
  readonly events: number;
  /** Clients that were told to read elsewhere what they missed, or were refused. */
  readonly lost: number;
}

const AT_ONCE = 100;
const all: Client[] = [];
const returned = { live: 0, events: 0, lost: 0 };
let leaving = false;

const backoff = (tries: number) => Math.min(15_000, 250 * 2 ** tries) * (0.5 + Math.random() / 2);

class Client {
  private readonly who: Returner;
  private socket!: Socket;
  private cursor: string | undefined;
  private tries = 0;
  private live = false;
  private settled: (() => void) | undefined;

  constructor(who: Returner) {
    this.who = who;
  }

  come(): Promise<void> {
    return new Promise((resolve) => {
      this.settled = resolve;
      this.connect();
    });
  }

  leave(): void {
    this.socket.destroy();
  }

  private connect() {
    const { port, token } = this.who;
    this.socket = openWebSocket(
      { port, path: '/ws', protocol: 'v1.json' },
      {
        onOpen: () => this.say({ type: 'auth', token }),
        onText: (bytes, start, end) => this.hear(JSON.parse(bytes.toString('utf8', start, end))),
        onClose: () => this.closed(),
      },
    );
  }

  private hear(message: { type: string; cursor: string; reset?: boolean }) {
    if (message.type === 'ready') this.follow();
    else if (message.type === 'subscribed') this.followed(message.cursor, message.reset === true);
    else if (message.type === 'event') {
      this.cursor = message.cursor;
      returned.events++;
    } else if (message.type !== 'ended') returned.lost++;
  }

  private follow() {
    this.tries = 0;
    this.say({ type: 'subscribe', id: 1, channel: 'chat.room', params: { roomId: this.who.roomId }, after: this.cursor });
  }

  private followed(cursor: string, reset: boolean) {
    this.cursor = cursor;
    this.live = true;
    returned.live++;
    if (reset) returned.lost++;
    this.settled?.();
  }

  private closed() {
    if (this.live) returned.live--;
    this.live = false;
    if (!leaving) setTimeout(() => this.connect(), backoff(this.tries++));
  }

  private say(message: object) {
    this.socket.write(clientFrame(JSON.stringify(message)));
  }
}

reportTo(process, {}, async () => {}, {
  come: async (returners: readonly Returner[]) => {
    for (let from = 0; from < returners.length; from += AT_ONCE) {
      const some = returners.slice(from, from + AT_ONCE).map((who) => new Client(who));
      all.push(...some);
      await Promise.all(some.map((client) => client.come()));
    }
  },
  returned: () => returned satisfies Returned,
  leave: () => {
    leaving = true;
    for (const client of all) client.leave();
  },
});
