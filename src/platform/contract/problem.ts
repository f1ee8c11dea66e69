/** A typed, documented error (RFC 9457), the same in every protocol. */
export interface ProblemDefinition {
  readonly kind: 'problem';
  /** `<module>/<state>`; its page is `/problems/<module>/<state>`. */
  readonly code: string;
  readonly status: number;
  /** The same sentence each time; what is particular to a case goes into `detail`. */
  readonly title: string;
  /** What the caller can do about it: the text of its page. */
  readonly help?: string;
}

const CODE = /^[a-z][a-z0-9-]*\/[a-z][a-z0-9-]*$/;

export function problem(code: string, status: number, title: string, help?: string): ProblemDefinition {
  if (!CODE.test(code)) throw new Error(`problem "${code}": a code is <module>/<state> in lower case and dashes`);
  if (!(status >= 400 && status <= 599)) throw new Error(`problem "${code}": ${status} is no error status`);
  return Object.freeze({ kind: 'problem', code, status, title, help });
}

/** One wrong place in the input. `pointer` is a JSON Pointer (RFC 6901) into it, for example `/text`. */
export interface FieldError {
  readonly pointer: string;
  readonly detail: string;
}

/** Throw it anywhere below a handler; one place turns it into each protocol's form. */
export class Problem extends Error {
  readonly definition: ProblemDefinition;
  readonly errors: readonly FieldError[] | undefined;
  /** Seconds after which a retry makes sense. */
  readonly retryAfter: number | undefined;

  constructor(
    definition: ProblemDefinition,
    detail?: string,
    options: { errors?: readonly FieldError[]; retryAfter?: number; cause?: unknown } = {},
  ) {
    super(detail ?? definition.title, { cause: options.cause });
    this.name = 'Problem';
    this.definition = definition;
    this.errors = options.errors;
    this.retryAfter = options.retryAfter;
  }
}
