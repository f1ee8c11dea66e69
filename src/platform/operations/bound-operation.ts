import type { OperationDefinition } from '../contract/operation.ts';
import type { Caller, Origin } from './caller.ts';

/** What a transport makes of its message. */
export interface Call {
  /** Reads the input out of the message; called only once the caller may call. May throw a problem. */
  readonly input: () => unknown;
  /** The access token as it came, or a caller that this process has verified already. */
  readonly credentials: { readonly token?: string } | Caller;
  readonly origin: Origin;
  /** `refuse` at the edge; `drop` between processes and in gRPC. */
  readonly unknownFields: 'refuse' | 'drop';
  /** `json`: a string ready to be sent; `value`: an object. Either has the declared fields only. */
  readonly form: 'json' | 'value';
  readonly idempotencyKey?: string | undefined;
  /** Milliseconds since 1970 until when the caller waits; the contract's own deadline where that is sooner. */
  readonly deadline?: number | undefined;
  /** Aborted when the caller calls it off. The handler sees it as `caller.signal`; nobody waits for its answer any more. */
  readonly signal?: AbortSignal | undefined;
  /**
   * False where a transport of this process calls for something that the caller was sent, and did not ask for just now:
   * what others do must not use up the caller's own limits. All other rules hold.
   */
  readonly counted?: false;
}

export interface Answer {
  readonly status: number;
  /** By {@link Call.form}; undefined where the operation answers nothing. */
  readonly body: unknown;
  /** The entity's version, where the contract names one. */
  readonly version: string | undefined;
  /** Cursor of the next page, where the operation pages and there is one. */
  readonly next: string | undefined;
  /** True when this is the first answer to an Idempotency-Key, given again. */
  readonly replayed: boolean;
}

/** A contract with something behind it: a handler here, or another process. Transports know nothing else. */
export interface BoundOperation {
  readonly contract: OperationDefinition;
  invoke(call: Call): Promise<Answer>;
}
