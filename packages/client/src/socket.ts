import { ownerOf, sameOwner } from './owner.ts';
import { aborted, isFinal, isUnauthenticated, ProblemError, signedOut, unreachable } from './problem.ts';
import { FINAL, GONE, type OnSocket, type ServerMessage, SUBPROTOCOL, UNAUTHENTICATED, type WebSocketClass } from './protocol.ts';
import type { Attempt, Send } from './request.ts';
import type { Session } from './session.ts';
import { SocketCalls } from './socket-calls.ts';
import { backoff } from './wait.ts';

/** Milliseconds without a word after a ping, after which the connection is held for dead. */
const SILENCE = 10_000;
/** Milliseconds, at random: all the clients of a server that is gone come back over two seconds. */
const spread = () => 500 + Math.random() * 2_000;

/**
 * One connection of one person in one organization, opened when it is needed and again whenever it is lost, signed in
 * with whatever token is valid. Another person's begins anew.
 */
export class Socket {
  private readonly url: string;
  private readonly session: Session;
  private readonly make: WebSocketClass;
  private readonly on: OnSocket;
  private socket: WebSocket | undefined;
  private signedInWith: string | undefined;
  private isReady = false;
  private connecting = false;
  /** Nobody needs it once all calls have their answers. */
  private resting = false;
  private closed = false;
  private renewing = false;
  private tries = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private heartbeat: ReturnType<typeof setInterval> | undefined;
  private silence: ReturnType<typeof setTimeout> | undefined;
  private heard = 0;
  private nextId = 1;
  private readonly calls = new SocketCalls(
    (message) => this.say(message),
    () => this.id(),
    () => this.restIfUnneeded(),
  );
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

  /** Whose it is: a person in an organization. */
  get owner(): string | undefined {
    return ownerOf(this.signedInWith);
  }

  /** Opens the connection, if it isn't. */
  open(): void {
    this.resting = false;
    if (this.closed || this.socket || this.connecting || this.retry) return;
    void this.connect();
  }

  /** The network may be back. */
  hurry(): void {
    if (!this.retry) return;
    this.stopRetry();
    void this.connect();
  }

  id(): number {
    return this.nextId++;
  }

  say(message: object): void {
    if (this.socket?.readyState === this.socket?.OPEN) this.socket?.send(JSON.stringify(message));
  }

  /** A call over the connection. One without a token has no place on it. */
  readonly send: Send = async (attempt: Attempt) => {
    const { signal, token } = attempt;
    if (this.closed) throw aborted();
    signal.throwIfAborted();
    // Somebody else signed in since it was made.
    if (ownerOf(token) !== this.session.owner) throw signedOut();
    if (this.socket && !sameOwner(token!, this.signedInWith)) this.restart();
    if (!this.isReady) this.open();
    return this.calls.add(attempt, this.isReady);
  };

  /** Closes the connection, and opens none any more. */
  close(): void {
    this.closed = true;
    this.stopListening();
    this.giveUp(aborted());
  }

  /** Nobody follows anything at the moment. */
  rest(): void {
    this.resting = true;
    this.restIfUnneeded();
  }

  /** Signs in anew, with another token than the one that was refused. */
  renew(): void {
    if (this.renewing) return;
    this.renewing = true;
    const { socket, signedInWith } = this;
    this.freshToken(signedInWith, (renewed) => {
      if (socket === this.socket) this.signIn(renewed);
    });
  }

  private get unneeded(): boolean {
    return this.resting && this.calls.none;
  }

  private restIfUnneeded() {
    if (this.unneeded && (this.socket || this.retry)) this.giveUp(unreachable());
  }

  private async connect(): Promise<void> {
    this.connecting = true;
    try {
      const token = await this.session.token();
      if (this.closed || this.unneeded || this.socket) return;
      if (token === undefined) this.fail(signedOut());
      else if (ownerOf(token) === this.session.owner) this.listen(new this.make(this.url, SUBPROTOCOL), token);
      else await this.connect();
    } catch (error) {
      this.connecting = false;
      this.failOrRetry(error);
    } finally {
      this.connecting = false;
    }
  }

  private listen(socket: WebSocket, token: string) {
    this.socket = socket;
    this.signedInWith = token;
    socket.addEventListener('open', () => {
      if (socket === this.socket) this.say({ type: 'auth', token: this.signedInWith });
    });
    socket.addEventListener('message', ({ data }) => {
      if (socket === this.socket) this.read(JSON.parse(data as string));
    });
    socket.addEventListener('close', ({ code }) => {
      if (socket === this.socket) this.lost(code);
    });
    // The close that follows says it all.
    socket.addEventListener('error', () => {});
  }

  private lost(code: number) {
    this.drop();
    if (FINAL.has(code)) this.fail(unreachable(new Error(`the server closed the connection with ${code}`)));
    else if (code === UNAUTHENTICATED) this.tokenRefused();
    else this.later(GONE.has(code) && this.tries === 0 ? spread() : undefined);
  }

  /** Goes on with the same connection where the token is of the same owner, and with another one where it is not. */
  private tokenChanged(signedIn: boolean) {
    if (!signedIn) return this.fail(signedOut());
    const { socket } = this;
    if (!socket) return;
    if (this.session.owner !== this.owner) return this.restart();
    this.session.token().then(
      (token) => {
        if (socket === this.socket && token !== undefined) this.signIn(token);
      },
      // Whoever needs a token next is told.
      () => {},
    );
  }

  private signIn(token: string) {
    if (token === this.signedInWith) return;
    if (!sameOwner(token, this.signedInWith)) return this.restart();
    this.signedInWith = token;
    this.say({ type: 'auth', token });
  }

  private restart() {
    this.drop();
    this.open();
  }

  private tokenRefused() {
    this.freshToken(this.signedInWith, () => this.later());
  }

  /** Another token than the refused one; without one nobody is signed in any more. */
  private freshToken(refused: string | undefined, go: (renewed: string) => void) {
    this.session.token(refused).then(
      (renewed) => {
        if (this.closed) return;
        if (renewed === undefined || renewed === refused) this.fail(signedOut());
        else go(renewed);
      },
      (error) => this.failOrRetry(error),
    );
  }

  private failOrRetry(error: unknown) {
    if (this.closed) return;
    if (isFinal(error)) return this.fail(error);
    this.drop();
    this.later();
  }

  private read(message: ServerMessage) {
    this.heard = Date.now();
    if (message.type === 'ready') this.begin(message.heartbeat);
    else if (message.type === 'expiring') this.renew();
    else if (message.type === 'problem' && message.id === undefined) this.refused(new ProblemError(message.problem));
    else if (!this.calls.heard(message) && message.type !== 'pong') this.on.message(message);
  }

  /** Of the token: calls and subscriptions have an id. */
  private refused(error: ProblemError) {
    if (isUnauthenticated(error)) {
      this.drop();
      this.tokenRefused();
    } else if (!this.isReady) this.failOrRetry(error);
  }

  private begin(seconds: number) {
    this.renewing = false;
    if (!this.isReady) {
      this.isReady = true;
      this.tries = 0;
      this.heartbeat = setInterval(() => this.beat(), seconds * 1_000);
      this.calls.ready(this.signedInWith!);
    }
    this.on.ready();
  }

  /** Browsers do not show the server's own pings. */
  private beat() {
    const asked = Date.now();
    this.say({ type: 'ping' });
    clearTimeout(this.silence);
    this.silence = setTimeout(() => {
      if (this.heard >= asked) return;
      this.drop();
      this.later();
    }, SILENCE);
  }

  /** Lets go of the connection: what was asked over it has no answer any more. */
  private drop(error = unreachable()) {
    const { socket } = this;
    this.socket = undefined;
    this.isReady = false;
    this.renewing = false;
    clearInterval(this.heartbeat);
    clearTimeout(this.silence);
    socket?.close(1000);
    this.calls.rejectPending(error);
    this.on.away();
  }

  private later(pause = backoff(this.tries)) {
    if (this.retry || this.closed || this.socket || this.connecting) return;
    this.tries++;
    this.calls.rejectWaiting(unreachable());
    if (this.unneeded) return;
    this.retry = setTimeout(() => {
      this.retry = undefined;
      void this.connect();
    }, pause);
  }

  private fail(error: ProblemError) {
    this.giveUp(error);
    this.on.failed(error);
  }

  private giveUp(error: ProblemError) {
    this.stopRetry();
    this.calls.rejectWaiting(error);
    this.drop(error);
  }

  private stopRetry() {
    clearTimeout(this.retry);
    this.retry = undefined;
  }
}
