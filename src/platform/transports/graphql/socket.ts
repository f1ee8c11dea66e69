import { CloseCode, type Server as Protocol } from 'graphql-ws';
import type { WebSocket } from 'ws';
import type { Principal } from '../../operations/caller.ts';
import { isPoisoned, type ParseJson } from '../json-parser.ts';
import type { Leaving } from './frames.ts';

export interface SocketLimits {
  /** Bytes that may wait for a slow reader. */
  readonly sendBuffer: number;
  /** Messages a second that a connection may send. */
  readonly messageRate: number;
  readonly parseJson: ParseJson;
}

/** What goes on where it was when the client comes back with the cursor that it has. graphql-ws' client retries both. */
const RESTART = 1012;
const TOKEN_ENDED = CloseCode.Forbidden;

/** How long a connection that has no token stays without an operation. */
const IDLE_MS = 10_000;

/** The longest that a timer of Node's takes. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** One connection, under graphql-transport-ws. */
export class GraphqlSocket {
  readonly address: string;
  readonly closed: Promise<number>;
  token: string | undefined;
  principal: Principal | undefined;
  /** How many operations and subscriptions run; known once the connection has been opened by the protocol. */
  running: (() => number) | undefined;
  private readonly ws: WebSocket;
  private readonly limits: SocketLimits;
  private alive = true;
  private usedAt = Date.now();
  private second = 0;
  private messages = 0;
  private tokenTimer: NodeJS.Timeout | undefined;

  constructor(ws: WebSocket, address: string, limits: SocketLimits) {
    this.ws = ws;
    this.address = address;
    this.limits = limits;
    this.closed = new Promise((resolve) => ws.once('close', resolve));
    ws.on('error', () => {});
    ws.on('pong', () => (this.alive = true));
    // The library answers each; who never reads the answers is cut off.
    ws.on('ping', () => this.mayGoOn());
  }

  /** Speaks the protocol until the connection ends. `unexpected` gets what no client can cause. */
  serve(protocol: Protocol<{ readonly socket: GraphqlSocket }>, unexpected: (error: unknown) => void): void {
    const { ws } = this;
    const ended = protocol.opened(
      {
        protocol: ws.protocol,
        send: (text) => this.send(text),
        close: (code, reason) => ws.close(code, reason),
        onMessage: (listen) =>
          void ws.on('message', (data, isBinary) => {
            this.alive = true;
            if (isBinary) return ws.close(CloseCode.BadRequest, 'Text only');
            if (!this.mayGoOn()) return;
            const text = data.toString();
            if (isPoisoned(text, this.limits.parseJson)) return ws.close(CloseCode.BadRequest, 'Invalid message received');
            listen(text).catch((error) => {
              unexpected(error);
              ws.close(CloseCode.InternalServerError, 'Internal server error');
            });
          }),
      },
      { socket: this },
    );
    void this.closed.then(async (code) => {
      clearTimeout(this.tokenTimer);
      await ended(code, '');
    });
  }

  signIn(token: string, principal: Principal): void {
    this.token = token;
    this.principal = principal;
    const left = Math.min(principal.expiresAt * 1_000 - Date.now(), LONGEST_TIMER);
    this.tokenTimer = setTimeout(() => this.leave('token'), left).unref();
  }

  /** Sends the client away, to come back and go on. */
  leave(why: Leaving): void {
    if (why === 'token') this.ws.close(TOKEN_ENDED, 'Token expired');
    else this.ws.close(RESTART, 'Service restart');
  }

  terminate(): void {
    this.ws.terminate();
  }

  /** Called from time to time: whoever has not answered the last ping is gone. */
  beat(): void {
    if (!this.alive) return this.ws.terminate();
    this.alive = false;
    this.ws.ping();
  }

  /** Called from time to time: whoever neither says who they are nor asks for anything is sent away. */
  checkUse(now: number): void {
    if (this.token !== undefined) return;
    if (this.running && this.running() > 0) this.usedAt = now;
    else if (now - this.usedAt >= IDLE_MS) this.ws.close(CloseCode.Unauthorized, 'Neither signed in nor in use');
  }

  /** Resolves when the text has left this process, so that whoever makes more of it waits for the reader. */
  private send(text: string): Promise<void> {
    const { ws } = this;
    if (ws.readyState !== ws.OPEN || !this.isRead()) return Promise.resolve();
    return new Promise((resolve) => ws.send(text, () => resolve()));
  }

  private isRead(): boolean {
    if (this.ws.bufferedAmount <= this.limits.sendBuffer) return true;
    this.ws.terminate();
    return false;
  }

  private mayGoOn(): boolean {
    const now = Math.floor(Date.now() / 1_000);
    if (now !== this.second) {
      this.second = now;
      this.messages = 0;
    }
    if (++this.messages <= this.limits.messageRate) return this.isRead();
    this.ws.close(CloseCode.TooManyInitialisationRequests, 'Too many messages');
    return false;
  }
}
