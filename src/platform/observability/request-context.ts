import { AsyncLocalStorage } from 'node:async_hooks';
import { pooledRandom } from '../random-pool.ts';

/** What is known of the request that the running code serves, whatever protocol brought it. */
export interface RequestContext {
  /** Names this request in logs and answers. */
  readonly requestId: string;
  /** W3C trace id, 32 hexadecimal digits: the client's when it sent a `traceparent`, else made here. */
  traceId: string;
  /** The client's span, when it sent one: the parent of ours. */
  readonly parentSpanId: string | undefined;
  /** Whether the client asked for the trace to be recorded; undefined when it said nothing. */
  readonly sampled: boolean | undefined;
}

const storage = new AsyncLocalStorage<RequestContext>();

export const currentRequest = (): RequestContext | undefined => storage.getStore();

/** Runs `serve`, and all that it starts, inside the request: log lines then carry its ids. */
export function runInRequest<T>(request: RequestContext, serve: () => T): T {
  return storage.run(request, serve);
}

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/;
const REQUEST_ID = /^[A-Za-z0-9._-]{8,64}$/;

/** The context of a request that comes in. A malformed `traceparent` or request id is ignored, as W3C Trace Context asks. */
export function beginRequest(traceparent?: string, requestId?: string): RequestContext {
  const given = traceparent === undefined ? null : TRACEPARENT.exec(traceparent);
  return {
    requestId: requestId !== undefined && REQUEST_ID.test(requestId) ? requestId : randomHex(8),
    traceId: given ? given[1]! : randomHex(16),
    parentSpanId: given?.[2],
    sampled: given ? (Number.parseInt(given[3]!, 16) & 1) === 1 : undefined,
  };
}

/** `bytes` random bytes in hexadecimal. */
export const randomHex = (bytes: number): string => pooledRandom(bytes).toString('hex');
