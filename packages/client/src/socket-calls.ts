import { sameOwner } from './owner.ts';
import { ProblemError, signedOut } from './problem.ts';
import type { ServerMessage } from './protocol.ts';
import type { Attempt } from './request.ts';

interface Asked extends Attempt {
  resolve(output: unknown): void;
  reject(error: unknown): void;
}

/** Calls over the connection: those that wait for it, and those that wait for their answers. */
export class SocketCalls {
  private readonly waiting = new Set<Asked>();
  private readonly pending = new Map<number, Asked>();
  private readonly say: (message: object) => void;
  private readonly nextId: () => number;
  private readonly onAnswer: () => void;

  constructor(say: (message: object) => void, nextId: () => number, onAnswer: () => void) {
    this.say = say;
    this.nextId = nextId;
    this.onAnswer = onAnswer;
  }

  get none(): boolean {
    return this.pending.size === 0 && this.waiting.size === 0;
  }

  /** Asks now, or once the connection is ready. */
  add(attempt: Attempt, ready: boolean): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { signal } = attempt;
      const settle = (how: (value: any) => void) => (value: unknown) => {
        signal.removeEventListener('abort', cancel);
        how(value);
      };
      const asked: Asked = { ...attempt, resolve: settle(resolve), reject: settle(reject) };
      const cancel = () => this.cancel(asked);
      signal.addEventListener('abort', cancel, { once: true });
      if (ready) this.ask(asked);
      else this.waiting.add(asked);
    });
  }

  /** The connection is there, signed in with `token`. Nothing is asked as somebody else. */
  ready(token: string): void {
    for (const asked of this.waiting) {
      this.waiting.delete(asked);
      if (sameOwner(asked.token!, token)) this.ask(asked);
      else asked.reject(signedOut());
    }
  }

  /** Whether the message was the answer to a call. */
  heard(message: ServerMessage): boolean {
    if (message.type === 'answer') this.take(message.id)?.resolve(message.output);
    else if (message.type !== 'problem' || !this.pending.has(message.id!)) return false;
    else this.take(message.id!)?.reject(new ProblemError(message.problem, message.retryAfter));
    return true;
  }

  rejectWaiting(error: ProblemError): void {
    for (const { reject } of this.waiting) reject(error);
    this.waiting.clear();
  }

  rejectPending(error: ProblemError): void {
    for (const { reject } of this.pending.values()) reject(error);
    this.pending.clear();
  }

  private ask(asked: Asked) {
    const { operation, input, idempotencyKey } = asked;
    const id = this.nextId();
    this.pending.set(id, asked);
    this.say({ type: 'call', id, operation: operation.name, input, ...(idempotencyKey && { idempotencyKey }) });
  }

  private cancel(asked: Asked) {
    this.waiting.delete(asked);
    for (const [id, each] of this.pending) {
      if (each !== asked) continue;
      this.say({ type: 'cancel', id });
      this.take(id);
    }
    asked.reject(asked.signal.reason);
    this.onAnswer();
  }

  private take(id: number): Asked | undefined {
    const asked = this.pending.get(id);
    this.pending.delete(id);
    this.onAnswer();
    return asked;
  }
}
