import type { OperationContract } from './contracts.ts';
import { aborted, isPassing, ProblemError } from './problem.ts';
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
}

interface Waiting extends OutboxCall {
  /** Calls wait in the order in which they were made, not that in which they failed. */
  readonly order: number;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** Told how a call of an earlier visit ended: nobody waits for it any more. */
export type OnOutbox = (call: OutboxCall, outcome: { result: unknown } | { error: unknown }) => void;

type TryCall = (call: OutboxCall) => Promise<unknown>;

/** Calls that wait for the server, in the order in which they were made. Only what may be repeated gets here. */
export class Outbox {
  private readonly calls: Waiting[] = [];
  private readonly tryCall: TryCall;
  private readonly store: OutboxStore | undefined;
  private sending: Promise<void> | undefined;
  private readonly stop = new AbortController();
  /** Ends the pause between two tries. */
  private hurry: (() => void) | undefined;

  constructor(tryCall: TryCall, store?: OutboxStore) {
    this.tryCall = tryCall;
    this.store = store;
  }

  /** How many calls wait. */
  get waiting(): number {
    return this.calls.length;
  }

  /** Takes up what an earlier visit left. */
  restore(operations: ReadonlyMap<string, OperationContract>, onOutbox: OnOutbox): void {
    for (const { name, input, idempotencyKey } of this.stored()) {
      const operation = operations.get(name);
      if (!operation) continue;
      const call: OutboxCall = { operation, input, idempotencyKey };
      this.calls.push({
        ...call,
        order: -1,
        resolve: (result) => onOutbox(call, { result }),
        reject: (error) => onOutbox(call, { error }),
      });
    }
    if (this.waiting > 0) this.sendAll();
  }

  add(call: OutboxCall & { readonly order: number }, signal?: AbortSignal): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { ...call, resolve, reject };
      const after = this.calls.findLastIndex(({ order }) => order < call.order);
      this.calls.splice(after + 1, 0, waiting);
      signal?.addEventListener('abort', () => this.remove(waiting, aborted(signal.reason)), { once: true });
      this.save();
      this.sendAll();
    });
  }

  /** The server may be back. */
  wake(): void {
    this.hurry?.();
  }

  close(): void {
    this.stop.abort();
  }

  private sendAll() {
    this.sending ??= this.run().finally(() => (this.sending = undefined));
  }

  private async run(): Promise<void> {
    const { signal } = this.stop;
    for (let tries = 0; this.calls.length > 0 && !signal.aborted;) {
      // What fails at the same time gets into its order first.
      await Promise.resolve();
      const call = this.calls[0]!;
      try {
        const result = await this.tryCall(call);
        tries = 0;
        if (this.take(call)) call.resolve(result);
      } catch (error) {
        if (isPassing(error)) await this.pause(backoff(tries++), (error as ProblemError).retryAfter);
        else if (this.take(call)) call.reject(error);
      }
    }
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
    const kept = this.calls.map(({ operation, input, idempotencyKey }) => ({ name: operation.name, input, idempotencyKey }));
    this.store?.save(JSON.stringify(kept));
  }

  private stored(): { name: string; input: Record<string, unknown>; idempotencyKey: string | undefined }[] {
    try {
      const kept = JSON.parse(this.store?.load() ?? '[]');
      return Array.isArray(kept) ? kept : [];
    } catch {
      return [];
    }
  }
}
