import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import type { Problem } from '../../contract/problem.ts';
import type { Principal } from '../../operations/caller.ts';
import { randomHex } from '../../observability/request-context.ts';
import { Outbox } from '../outbox.ts';
import { authenticate } from './authentication.ts';
import type { Behind } from './behind.ts';
import { performCall } from './calls.ts';
import { type MessageId, NoMessage, readMessage } from './client-messages.ts';
import { CLOSE, type CloseCode, MOST_CONTROL_FRAMES, MOST_FAULTS, MOST_IN_FLIGHT, MOST_SUBSCRIBING } from './protocol.ts';
import { PONG, refusal, textFrame } from './server-messages.ts';
import { closeSubscriptions, type Followed, subscribe, unsubscribe } from './subscriptions.ts';

/** ws's own socket, which knows whose it is: listeners that need no closure of their own. */
export class ConnectedSocket extends WebSocket {
  connection: Connection | undefined;
}

/** One client. Ten thousand of them are idle most of the time, so it has no timer and makes its maps when it needs them. */
export class Connection {
  readonly behind: Behind;
  readonly address: string;
  readonly openedAt = Date.now();
  /** The token that calls are made with, and what it says. */
  token: string | undefined;
  principal: Principal | undefined;
  /** Whether the client was told that the token ends soon. */
  warned = false;
  /** What came since the last ping. */
  heard = true;
  nextPing: number;
  /** Calls, and subscriptions that are being made: how to call them off. */
  inFlight: Map<MessageId, AbortController> | undefined;
  /** How many of them are subscriptions. */
  subscribing = 0;
  followed: Map<string, Followed> | undefined;
  /** Subscriptions with a token of their own. */
  ownTokens = 0;
  closing = false;
  /** Calls that run may end, new ones are refused. */
  leaving = false;

  private readonly ws: ConnectedSocket;
  private readonly socket: Duplex;
  private readonly outbox: Outbox;
  /** Read already when the client had to wait. */
  private waiting: Buffer[] | undefined;
  private handling = false;
  private waitsForDrain = false;
  private lastBacklog = 0;
  private second = 0;
  private messages = 0;
  private controls = 0;
  private faults = 0;

  constructor(ws: ConnectedSocket, socket: Duplex, address: string, behind: Behind) {
    this.ws = ws;
    this.socket = socket;
    this.address = address;
    this.behind = behind;
    this.outbox = new Outbox(socket);
    this.nextPing = this.openedAt + behind.timing.heartbeat;
    ws.connection = this;
    ws.on('message', onMessage).on('ping', onControl).on('pong', onControl).on('close', onClose).on('error', onError);
  }

  receive(data: Buffer, isBinary: boolean): void {
    if (this.closing) return;
    this.behind.traffic.received++;
    this.heard = true;
    if (isBinary) this.close(CLOSE.binary);
    else if (this.waiting) this.waiting.push(data);
    else this.handle(data);
    if (!this.waiting && this.isBusy()) this.hold();
  }

  /** The client may read its own pings only so often: each is an answer that somebody has to send. */
  control(): void {
    this.heard = true;
    this.inThisSecond();
    if (++this.controls > MOST_CONTROL_FRAMES) this.close(CLOSE.tooMany);
  }

  send(text: string): void {
    this.sendAsked(textFrame(text));
  }

  /** What the client has asked for just now. More may wait, because it had no time to read; but not any amount. */
  sendAsked(frames: Buffer): void {
    this.sendUpTo(4 * this.behind.sendBuffer, frames);
  }

  /** What nobody asked for at this moment: a client that does not keep up comes back later and resumes. */
  deliver(frames: Buffer): void {
    this.sendUpTo(this.behind.sendBuffer, frames);
  }

  sendProblem(id: MessageId | undefined, problem: Problem, requestId: string): void {
    if (problem.definition.status === 401) this.behind.refusals.count(this.address);
    this.send(refusal(id, problem, requestId));
  }

  write(frame: Buffer): void {
    this.behind.traffic.sent++;
    this.outbox.put(frame);
  }

  /** @returns undefined where the id is in use */
  begin(id: MessageId): AbortController | undefined {
    this.inFlight ??= new Map();
    if (this.inFlight.has(id)) return undefined;
    const controller = new AbortController();
    this.inFlight.set(id, controller);
    return controller;
  }

  end(id: MessageId): void {
    this.inFlight?.delete(id);
    if (this.leaving && !this.inFlight?.size) this.close(CLOSE.restart);
    this.goOn();
  }

  /** Reads on, where nothing stands against it any more. */
  goOn(): void {
    const { waiting } = this;
    // A call that is refused at once ends inside of this loop.
    if (!waiting || this.handling) return;
    this.handling = true;
    while (waiting.length > 0 && !this.isBusy() && !this.closing) this.handle(waiting.shift()!);
    this.handling = false;
    if (this.closing) return;
    if (this.isBusy()) return this.goOnWhenRead();
    this.waiting = undefined;
    this.ws.resume();
  }

  /**
   * Whether the other side is there, as far as can be told: it was heard, it has read, or nothing is read of it because
   * of its own calls, which end by themselves.
   */
  isAlive(): boolean {
    const before = this.lastBacklog;
    this.lastBacklog = this.outbox.backlog;
    return this.heard || this.lastBacklog < before || (this.waiting !== undefined && (this.inFlight?.size ?? 0) > 0);
  }

  /** Ends when the calls that run have ended. */
  leave(): void {
    this.leaving = true;
    if (!this.inFlight?.size) this.close(CLOSE.restart);
  }

  close({ code, reason }: CloseCode): void {
    if (this.closing) return;
    this.closing = true;
    this.forget();
    this.outbox.flush();
    this.ws.close(code, reason);
    // What the other side still says has to be read, or its answer to the close is not.
    this.ws.resume();
  }

  /** Without a word: the other side is not there to hear it. */
  terminate(): void {
    this.ws.terminate();
  }

  closed(code: number): void {
    this.closing = true;
    this.forget();
    this.behind.onClosed(this, code);
  }

  /** Nobody waits for anything any more. */
  private forget() {
    this.waiting = undefined;
    closeSubscriptions(this);
    for (const controller of this.inFlight?.values() ?? []) controller.abort();
  }

  private sendUpTo(most: number, frames: Buffer) {
    if (this.closing) return;
    if (this.outbox.backlog > most) this.close(CLOSE.tooSlow);
    else this.write(frames);
  }

  private handle(data: Buffer) {
    this.inThisSecond();
    this.messages++;
    try {
      const message = readMessage(data, this.behind.parseJson);
      if (message.type === 'call') void performCall(this, message);
      else if (message.type === 'subscribe') void subscribe(this, message);
      else if (message.type === 'auth') authenticate(this, message.token, message.stream);
      else if (message.type === 'unsubscribe') unsubscribe(this, message.stream);
      else if (message.type === 'cancel') this.inFlight?.get(message.id)?.abort();
      else this.send(PONG);
    } catch (error) {
      if (!(error instanceof NoMessage)) throw error;
      this.sendProblem(error.id, error.problem, randomHex(8));
      if (++this.faults >= MOST_FAULTS) this.close(CLOSE.malformed);
    }
  }

  private isBusy(): boolean {
    return (
      (this.inFlight?.size ?? 0) >= MOST_IN_FLIGHT ||
      this.subscribing >= MOST_SUBSCRIBING ||
      this.messages >= this.behind.messageRate ||
      this.isFull()
    );
  }

  /** Most of what may wait is left for what comes by itself. */
  private isFull(): boolean {
    // Below its own mark a socket tells nobody that it has been read.
    return this.outbox.backlog > Math.max(this.behind.sendBuffer / 4, this.socket.writableHighWaterMark);
  }

  /** Stops reading; TCP tells the client. What came in the same packets waits here. */
  private hold() {
    if (this.closing) return;
    this.waiting = [];
    this.ws.pause();
    this.goOnWhenRead();
  }

  /** Where it is the other side that has to read first. Whatever else holds a connection tells it by itself. */
  private goOnWhenRead() {
    if (!this.isFull() || this.waitsForDrain) return;
    this.waitsForDrain = true;
    const goOn = () => {
      this.waitsForDrain = false;
      this.goOn();
    };
    this.outbox.flush();
    if (this.socket.writableNeedDrain) this.socket.once('drain', goOn);
    else setImmediate(goOn);
  }

  /** Counts begin anew with each second. */
  inThisSecond(now = Date.now()): void {
    const second = Math.floor(now / 1_000);
    if (second === this.second) return;
    this.second = second;
    this.messages = 0;
    this.controls = 0;
  }
}

function onMessage(this: WebSocket, data: unknown, isBinary: boolean) {
  (this as ConnectedSocket).connection!.receive(data as Buffer, isBinary);
}
function onControl(this: WebSocket) {
  (this as ConnectedSocket).connection!.control();
}
function onClose(this: WebSocket, code: number) {
  (this as ConnectedSocket).connection!.closed(code);
}
/** What breaks the protocol: ws closes the connection with the code for it. */
function onError() {}
