/** An error as the server tells it (RFC 9457). */
export interface ProblemBody {
  readonly type: string;
  /** `chat/not-room-member`: what to tell problems apart by. */
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly detail?: string;
  readonly requestId?: string;
  /** Wrong places in the input, as JSON Pointers. */
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
}

/** The server said no, or could not be reached (`client/unreachable`), or the caller stopped waiting (`client/aborted`, `client/timeout`). */
export class ProblemError extends Error {
  readonly problem: ProblemBody;
  /** Seconds after which a repetition makes sense, where the server told. */
  readonly retryAfter: number | undefined;

  constructor(problem: ProblemBody, retryAfter?: number, cause?: unknown) {
    super(problem.detail ?? problem.title, { cause });
    this.name = 'ProblemError';
    this.problem = problem;
    this.retryAfter = retryAfter;
  }

  get code(): string {
    return this.problem.code;
  }

  get status(): number {
    return this.problem.status;
  }

  /** Whether it is the problem that a contract declares. */
  is(definition: { readonly code: string }): boolean {
    return this.code === definition.code;
  }
}

/** A problem of the client's own. Status 0: there was no answer. */
const own = (code: string, title: string) => (cause?: unknown) =>
  new ProblemError({ type: 'about:blank', code: `client/${code}`, status: 0, title }, undefined, cause);

export const unreachable = own('unreachable', 'The server can not be reached');
export const aborted = own('aborted', 'The call was called off');
export const timedOut = own('timeout', 'No answer came in time');
export const signedOut = own('signed-out', 'Nobody is signed in any more');

const UNREACHABLE = 'client/unreachable';

/** Refused because of the token, before anything happened. */
export const isUnauthenticated = (error: unknown): boolean =>
  error instanceof ProblemError && error.code === 'platform/unauthenticated';

/** It passes: another try may succeed. */
export const isPassing = (error: unknown): boolean =>
  error instanceof ProblemError && (error.code === UNREACHABLE || [429, 502, 503, 504].includes(error.status));

export const isTimeout = (error: unknown): boolean => error instanceof ProblemError && error.code === 'client/timeout';

export const isSignedOut = (error: unknown): boolean => error instanceof ProblemError && error.code === 'client/signed-out';

/** Nobody is signed in any more, or may be; anything else may pass. */
export const isFinal = (error: unknown): error is ProblemError =>
  error instanceof ProblemError && (isSignedOut(error) || (error.status >= 400 && error.status < 500 && error.status !== 429));
