import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { RunningApp } from './app.ts';
import type { Person } from './person.ts';

/** A message of the protocol. */
export type Message = Record<string, any> & { readonly type: string };

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

export interface SocketOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly protocols?: string | string[];
}

/** A client of `/ws` that keeps all that it hears. */
export class Socket {
  readonly ws: WebSocket;
  readonly heard: Message[] = [];
  readonly closed: Promise<Closed>;
  private calls = 0;
  private readonly waiting = new Set<() => void>();

  constructor({ url }: Pick<RunningApp, 'url'>, { headers = {}, protocols = 'v1.json' }: SocketOptions = {}) {
    this.ws = new WebSocket(`${url.replace('http', 'ws')}/ws`, protocols, { headers, rejectUnauthorized: false });
    this.closed = new Promise((resolve) =>
      this.ws.once('close', (code, reason) => {
        resolve({ code, reason: reason.toString() });
        this.waiting.forEach((look) => look());
      }),
    );
    this.ws.on('error', () => {});
    this.ws.on('message', (data) => {
      this.heard.push(JSON.parse(data.toString()));
      this.waiting.forEach((look) => look());
    });
  }

  /** Connected, and signed in where somebody is given. */
  static async open(app: Pick<RunningApp, 'url'>, person?: Person, options: SocketOptions = {}): Promise<Socket> {
    const headers = { ...(person && { 'x-forwarded-for': person.address }), ...options.headers };
    const socket = new Socket(app, { ...options, headers });
    await once(socket.ws, 'open');
    if (person) await socket.signIn(person.token);
    return socket;
  }

  say(message: object): void {
    this.ws.send(JSON.stringify(message));
  }

  async signIn(token: string): Promise<Message> {
    const from = this.heard.length;
    this.say({ type: 'auth', token });
    return this.hears(({ type }) => type === 'ready' || type === 'problem', from);
  }

  /** The first message from place `from` on that `fits`; fails when the connection ends before. */
  hears(fits: (message: Message) => boolean, from = 0): Promise<Message> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.heard.slice(from).find(fits);
        if (!found && this.ws.readyState !== WebSocket.CLOSED) return;
        this.waiting.delete(look);
        if (found) resolve(found);
        else reject(new Error(`The connection ended; heard were ${JSON.stringify(this.heard.slice(from))}`));
      };
      this.waiting.add(look);
      look();
    });
  }

  /** Calls an operation and waits for its answer, or for the problem. */
  call(operation: string, input?: unknown, more: object = {}): Promise<Message> {
    const id = ++this.calls;
    this.say({ type: 'call', id, operation, input, ...more });
    return this.hears((message) => message['id'] === id);
  }

  /** Waits for `subscribed`, or for the problem. */
  subscribe(channel: string, params?: unknown, more: object = {}): Promise<Message> {
    const id = ++this.calls;
    this.say({ type: 'subscribe', id, channel, params, ...more });
    return this.hears((message) => message['id'] === id);
  }

  async close(): Promise<void> {
    this.ws.close();
    await this.closed;
  }
}
