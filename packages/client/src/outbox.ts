import type { OperationContract } from './contracts.ts';
import { aborted, isPassing, isSignedOut, isTimeout, isUnauthenticated, ProblemError } from './problem.ts';
import type { Session } from './session.ts';
import { backoff, wait } from './wait.ts';

/** Where calls that wait are kept between visits. */
export interface OutboxStore {
  load(): string | null | undefined;
  save(text: string): void;
}

export interface OutboxCall {
  readonly operation: OperationContract;
  readonly input: Record<string, unknown>;
  readonly idempotencyKey: string | undefined;
  /** The person and the organization that it is made as. */
  readonly owner: string | undefined;
}

/** A call as the store keeps it. */
interface Kept extends Omit<OutboxCall, 'operation'> {
  readonly name: string;
}

interface Waiting extends OutboxCall {
  /** Calls wait in the order in which they were made, not that in which they failed. */
  readonly order: number;
  /** Left by an earlier visit. */
  readonly restored?: boolean;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** Told how a call of an earlier visit ended: nobody waits for it any more. */
export type OnOutbox = (call: OutboxCall, outcome: { result: unknown } | { error: unknown }) => void;

type TryCall = (call: OutboxCall) => Promise<unknown>;

/**
 * Calls that wait for the server, in the order in which they were made. Only what may be repeated gets here. Each is
 * sent as the person and in the organization that it was made in, and stays until they are back.
 */
export class Outbox {
  private readonly calls: Waiting[] = [];
  /** Of operations that this client has no contract of: another version of the page may. */
  private unknown: Kept[] = [];
  private readonly session: Session;
  private readonly tryCall: TryCall;
  private readonly store: OutboxStore | undefined;
  private sending: Promise<void> | undefined;
  private readonly stop = new AbortController();
  /** Ends the pause between two tries. */
  private hurry: (() => void) | undefined;

  constructor(session: Session, tryCall: TryCall, store?: OutboxStore) {
    this.session = session;
    session.onChange(() => {
      this.wake();
      this.sendAll();
    });
    this.tryCall = tryCall;
    this.store = store;
  }

  /** How many calls wait. */
  get waiting(): number {
    return this.calls.length;
  }

  /** Whether calls of this owner wait. */
  holds(owner: string): boolean {
    return this.calls.some((call) => call.owner === owner);
  }

  /** Takes up what an earlier visit left. */
  restore(operations: ReadonlyMap<string, OperationContract>, onOutbox: OnOutbox): void {
    for (const kept of this.stored()) {
      const { name, ...rest } = kept;
      const operation = operations.get(name);
      if (!operation) {
        this.unknown.push(kept);
        continue;
      }
      const call: OutboxCall = { operation, ...rest };
      this.calls.push({
        ...call,
        order: -1,
        restored: true,
        resolve: (result) => onOutbox(call, { result }),
        reject: (error) => onOutbox(call, { error }),
      });
    }
    this.sendAll();
  }

  /** `failed` is how it went at once: the next try waits as after any other. */
  add(call: OutboxCall & { readonly order: number }, signal?: AbortSignal, failed?: ProblemError): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.stop.signal.aborted || signal?.aborted) return reject(aborted(signal?.reason));
      const settle = (how: (value: any) => void) => (value: unknown) => {
        signal?.removeEventListener('abort', cancel);
        how(value);
      };
      const waiting: Waiting = { ...call, resolve: settle(resolve), reject: settle(reject) };
      const cancel = () => this.remove(waiting, aborted(signal!.reason));
      const after = this.calls.findLastIndex(({ order }) => order < call.order);
      this.calls.splice(after + 1, 0, waiting);
      signal?.addEventListener('abort', cancel, { once: true });
      this.save();
      this.sendAll(failed);
    });
  }

  /** The server may be back. */
  wake(): void {
    this.hurry?.();
  }

  /** Who waits is told so; the store keeps the calls for the next visit. */
  close(): void {
    this.stop.abort();
    for (const call of this.calls.splice(0)) if (!call.restored) call.reject(aborted());
  }

  private sendAll(failed?: ProblemError) {
    this.sending ??= this.run(failed).finally(() => {
      this.sending = undefined;
      // What came at the last moment.
      if (this.next()) this.sendAll();
    });
  }

  private async run(failed: ProblemError | undefined): Promise<void> {
    let tries = 0;
    if (failed) await this.pause(backoff(tries++), failed.retryAfter);
    for (let call; (call = this.next());) {
      try {
        const result = await this.tryCall(call);
        tries = 0;
        if (this.take(call)) call.resolve(result);
      } catch (error) {
        if (mayPass(error)) await this.pause(backoff(tries++), (error as ProblemError).retryAfter);
        else if (this.take(call)) call.reject(error);
      }
    }
  }

  /** The first that may be sent as whoever is signed in. */
  private next(): Waiting | undefined {
    const { owner } = this.session;
    return owner === undefined ? undefined : this.calls.find((call) => call.owner === owner);
  }

  private async pause(milliseconds: number, retryAfter = 0): Promise<void> {
    const { signal } = this.stop;
    const hurried = new Promise<void>((resolve) => (this.hurry = resolve));
    await Promise.race([wait(Math.max(milliseconds, retryAfter * 1_000), signal).catch(() => {}), hurried]);
  }

  private take(call: Waiting): boolean {
    const index = this.calls.indexOf(call);
    if (index < 0) return false;
    this.calls.splice(index, 1);
    this.save();
    return true;
  }

  private remove(call: Waiting, error: unknown) {
    if (this.take(call)) call.reject(error);
  }

  private save() {
    const kept = this.calls.map(({ operation: { name }, input, idempotencyKey, owner }) => ({
      name,
      input,
      idempotencyKey,
      owner,
    }));
    this.store?.save(JSON.stringify([...this.unknown, ...kept]));
  }

  private stored(): Kept[] {
    try {
      const kept = JSON.parse(this.store?.load() ?? '[]');
      return Array.isArray(kept) ? kept : [];
    } catch {
      return [];
    }
  }
}

/** The server, the network, or whoever made the call may be back. */
const mayPass = (error: unknown) => isPassing(error) || isTimeout(error) || isUnauthenticated(error) || isSignedOut(error);
