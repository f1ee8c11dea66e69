/** How one call is made. */
export interface CallOptions {
  /** Calls it off. Whether it took effect is unknown then. */
  readonly signal?: AbortSignal;
  /** Milliseconds to wait for the answer, all tries together; 30,000 where nothing is said. */
  readonly timeout?: number;
  /** Names the request, so that repeating it has no second effect; made by the client for operations that take one. */
  readonly idempotencyKey?: string;
  /**
   * What becomes of it while the server can't be reached. `fail`: it fails. `queue`: it waits, behind those that wait
   * already, for as long as it takes; only for what may be repeated, by somebody who is signed in. The client's own setting where nothing is said.
   */
  readonly offline?: 'fail' | 'queue';
}
