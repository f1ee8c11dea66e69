import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Origin } from '../../operations/caller.ts';
import { beginRequest, randomHex, type RequestContext } from '../../observability/request-context.ts';
import type { RequestRoute } from '../../observability/request-log.ts';

/** What nginx writes where nobody waited for the answer; no client ever sees it. */
const CLIENT_GONE = 499;
const DEADLINE_PASSED = 504;

/** A call from its first header to its last byte. */
export class IncomingCall {
  readonly stream: ServerHttp2Stream;
  readonly route: RequestRoute;
  readonly ids: RequestContext;
  readonly origin: Origin;
  readonly token: string | undefined;
  readonly idempotencyKey: string | undefined;
  readonly started = performance.now();
  /** When the request was here as a whole, in milliseconds of the same clock as {@link started}. */
  received: number | undefined;
  /** When the answer, or the last of them, was handed over. */
  answered: number | undefined;
  /** Ends a subscription, because this process stops. */
  stop: (() => void) | undefined;
  private deadline = Infinity;
  private outcome: number | undefined;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, route: RequestRoute, address: string) {
    this.stream = stream;
    this.route = route;
    this.ids = beginRequest(headers['traceparent'] as string | undefined, randomHex(8));
    this.origin = { requestId: this.ids.requestId, address, transport: 'grpc', caller: undefined };
    this.token = bearer(headers.authorization);
    this.idempotencyKey = headers['idempotency-key'] as string | undefined;
  }

  /**
   * The request is here as a whole.
   * @returns milliseconds since 1970 until when the client waits; undefined where it does not say
   */
  arrived(deadline: Date | number): number | undefined {
    this.received = performance.now();
    this.deadline = Number(deadline);
    return this.deadline === Infinity ? undefined : this.deadline;
  }

  /** How it ended, as HTTP would say it. */
  end(status: number): void {
    this.outcome ??= status;
    this.answered ??= performance.now();
  }

  get status(): number {
    return this.outcome ?? (Date.now() >= this.deadline ? DEADLINE_PASSED : CLIENT_GONE);
  }
}

/** RFC 6750. Any other scheme is no token of ours; the pipeline then sees an anonymous caller. */
function bearer(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined;
  return authorization.slice(0, 7).toLowerCase() === 'bearer ' ? authorization.slice(7) : '';
}
