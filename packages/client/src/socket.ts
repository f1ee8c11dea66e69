import { isUnauthenticated, ProblemError, type ProblemBody, signedOut, unreachable } from './problem.ts';
import type { Attempt, Send } from './request.ts';
import type { Session } from './session.ts';
import { backoff } from './wait.ts';

/** What the client needs of a WebSocket: the browser's, or Node's own. */
export type WebSocketClass = new (url: string, protocol: string) => WebSocket;

/** What the server says; see the guide to the protocol `v1.json`. */
export type ServerMessage =
  | { type: 'ready'; expiresIn: number; heartbeat: number }
  | { type: 'answer'; id: number; output?: unknown }
  | { type: 'problem'; id?: number; problem: ProblemBody; retryAfter?: number }
  | { type: 'subscribed'; id: number; stream: string; cursor: string; reset: boolean }
  | { type: 'event'; stream: string; cursor: string; item: unknown }
  | { type: 'reset'; stream: string; cursor: string }
  | { type: 'ended'; stream: string; problem?: ProblemBody }
  | { type: 'expiring'; seconds: number; stream?: string }
  | { type: 'pong' };

/** Told of what comes over the connection, and of its coming and going. */
export interface OnSocket {
  /** Signed in: subscriptions may be made. */
  ready(): void;
  away(): void;
  message(message: ServerMessage): void;
  /** It will not come back. */
  failed(error: ProblemError): void;
}

const SUBPROTOCOL = 'v1.json';
/** Milliseconds without a word after a ping, after which the connection is held for dead. */
const SILENCE = 10_000;
/** The server will not take this client again, whatever it does. */
const FINAL = new Set([1002, 1003, 1007, 1008, 1009, 4400]);
const UNAUTHENTICATED = 4401;

interface Pending {
  resolve(output: unknown): void;
  reject(error: unknown): void;
}

/** One connection, opened when it is needed and again whenever it is lost, signed in with whatever token is valid. */
export class Socket {
  private readonly url: string;
  private readonly session: Session;
  private readonly make: WebSocketClass;
  private readonly on: OnSocket;
  private socket: WebSocket | undefined;
  private signedInWith: string | undefined;
  private isReady = false;
  private connecting = false;
  private tries = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private heartbeat: ReturnType<typeof setInterval> | undefined;
  private heard = 0;
  private nextId = 1;
  private readonly pending = new Map<number, Pending>();
  /** Calls that wait for the connection. */
  private waiting: { resolve(): void; reject(error: unknown): void }[] = [];
  private readonly stopListening: () => void;

  constructor(url: string, session: Session, make: WebSocketClass, on: OnSocket) {
    this.url = url.replace(/^http/, 'ws') + '/ws';
    this.session = session;
    this.make = make;
    this.on = on;
    this.stopListening = session.onChange((signedIn) => this.tokenChanged(signedIn));
  }

  get ready(): boolean {
    return this.isReady;
  }

  /** Opens the connection, if it isn't. */
  open(): void {
    if (this.socket || this.connecting || this.retry) return;
    void this.connect();
  }

  /** The network may be back. */
  hurry(): void {
    if (!this.retry) return;
    clearTimeout(this.retry);
    this.retry = undefined;
    void this.connect();
  }

  id(): number {
    return this.nextId++;
  }

  say(message: object): void {
    this.socket?.send(JSON.stringify(message));
  }

  /** A call over the connection. One without a token has no place on it. */
  readonly send: Send = async ({ operation, input, idempotencyKey, signal }: Attempt) => {
    await this.whenReady(signal);
    const id = this.id();
    return new Promise((resolve, reject) => {
      const cancel = () => {
        this.pending.delete(id);
        if (this.isReady) this.say({ type: 'cancel', id });
        reject(signal.reason);
      };
      const settle = (how: (value: any) => void) => (value: unknown) => {
        signal.removeEventListener('abort', cancel);
        how(value);
      };
      signal.addEventListener('abort', cancel, { once: true });
      this.pending.set(id, { resolve: settle(resolve), reject: settle(reject) });
      this.say({ type: 'call', id, operation: operation.name, input, ...(idempotencyKey && { idempotencyKey }) });
    });
  };

  /** Closes the connection, and opens none any more. */
  close(): void {
    this.stopListening();
    this.rest();
    clearTimeout(this.retry);
  }

  /** Nobody needs it at the moment. */
  rest(): void {
    if (this.pending.size > 0 || this.waiting.length > 0) return;
    clearTimeout(this.retry);
    this.retry = undefined;
    this.socket?.close(1000);
    this.lost();
  }

  /** Signs in anew, with another token than the one that was refused. */
  renew(): void {
    const token = this.signedInWith;
    this.session.token(token).then(
      (renewed) => (renewed === undefined || renewed === token ? this.fail(signedOut()) : this.signIn(renewed)),
      (error) => (isFinal(error) ? this.fail(error) : this.socket?.close()),
    );
  }

  private whenReady(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.isReady) return Promise.resolve();
    this.open();
    return new Promise((resolve, reject) => {
      const waiting = { resolve, reject };
      this.waiting.push(waiting);
      signal.addEventListener(
        'abort',
        () => {
          this.waiting = this.waiting.filter((each) => each !== waiting);
          reject(signal.reason);
        },
        { once: true },
      );
    });
  }

  private async connect(): Promise<void> {
    this.connecting = true;
    try {
      const token = await this.session.token();
      if (token === undefined) return this.fail(signedOut());
      this.listen(new this.make(this.url, SUBPROTOCOL), token);
    } catch (error) {
      if (isFinal(error)) this.fail(error);
      else this.later();
    } finally {
      this.connecting = false;
    }
  }

  private listen(socket: WebSocket, token: string) {
    this.socket = socket;
    socket.addEventListener('open', () => this.signIn(token));
    socket.addEventListener('message', ({ data }) => {
      if (socket === this.socket) this.read(JSON.parse(data as string));
    });
    socket.addEventListener('close', ({ code }) => {
      if (socket !== this.socket) return;
      this.lost();
      if (FINAL.has(code)) this.fail(unreachable(new Error(`the server closed the connection with ${code}`)));
      else if (code === UNAUTHENTICATED)
        void this.session.token(this.signedInWith).then(
          () => this.later(),
          () => this.later(),
        );
      else this.later();
    });
    // The close that follows says it all.
    socket.addEventListener('error', () => {});
  }

  private signIn(token: string) {
    this.signedInWith = token;
    this.say({ type: 'auth', token });
  }

  private tokenChanged(signedIn: boolean) {
    if (!this.socket || !this.isReady) return;
    if (!signedIn) return this.fail(signedOut());
    void this.session.token().then((token) => {
      if (token !== undefined && token !== this.signedInWith && this.isReady) this.signIn(token);
    });
  }

  private read(message: ServerMessage) {
    this.heard = Date.now();
    if (message.type === 'ready') this.begin(message.heartbeat);
    else if (message.type === 'expiring') this.renew();
    else if (message.type === 'answer') this.take(message.id)?.resolve(message.output);
    else if (message.type === 'problem' && (message.id === undefined || this.pending.has(message.id))) this.refused(message);
    else if (message.type !== 'pong') this.on.message(message);
  }

  private refused({ id, problem, retryAfter }: ServerMessage & { type: 'problem' }) {
    const error = new ProblemError(problem, retryAfter);
    if (id !== undefined) this.take(id)?.reject(error);
    // The token is of somebody else than before, or none: a new connection begins with it.
    else if (isUnauthenticated(error)) this.socket?.close(1000);
  }

  private take(id: number): Pending | undefined {
    const pending = this.pending.get(id);
    this.pending.delete(id);
    return pending;
  }

  private begin(seconds: number) {
    if (this.isReady) return;
    this.isReady = true;
    this.tries = 0;
    clearInterval(this.heartbeat);
    this.heartbeat = setInterval(() => this.beat(), seconds * 1_000);
    for (const { resolve } of this.waiting.splice(0)) resolve();
    this.on.ready();
  }

  /** Browsers do not show the server's own pings. */
  private beat() {
    const asked = Date.now();
    const { socket } = this;
    this.say({ type: 'ping' });
    setTimeout(() => {
      if (socket !== this.socket || this.heard >= asked) return;
      socket?.close();
      this.lost();
      this.later();
    }, SILENCE);
  }

  private lost() {
    this.socket = undefined;
    this.isReady = false;
    clearInterval(this.heartbeat);
    const error = unreachable();
    for (const { reject } of this.pending.values()) reject(error);
    this.pending.clear();
    this.on.away();
  }

  private later() {
    if (this.retry) return;
    for (const { reject } of this.waiting.splice(0)) reject(unreachable());
    this.retry = setTimeout(
      () => {
        this.retry = undefined;
        void this.connect();
      },
      backoff(this.tries++),
    );
  }

  private fail(error: ProblemError) {
    const { socket } = this;
    for (const { reject } of this.waiting.splice(0)) reject(error);
    this.lost();
    socket?.close(1000);
    this.on.failed(error);
  }
}

/** Nobody is signed in any more; anything else may pass. */
const isFinal = (error: unknown): error is ProblemError =>
  error instanceof ProblemError &&
  (error.code === 'client/signed-out' || (error.status >= 400 && error.status < 500 && error.status !== 429));
