import type { Logger } from 'pino';

/** One finished request, of whatever protocol. No query string, no header, no body: these are the client's own. */
export interface FinishedRequest {
  /** Name of the operation; undefined for what isn't one (static files, health). */
  operation: string | undefined;
  /** `rest`, `graphql`, `grpc`, `websocket`, `rpc`. */
  transport: string;
  method: string;
  /** The route's template (`/chat/rooms/:roomId`), never the path with its values. */
  route: string;
  status: number;
  milliseconds: number;
  /** The person or key that asked. */
  callerId?: string | undefined;
  orgId?: string | undefined;
  /** The address that asked, for refusals. */
  address?: string | undefined;
}

/** Writes the line of a finished request: a warning from 500 on, information otherwise. */
export function logRequest(logger: Logger, request: FinishedRequest): void {
  const failed = request.status >= 500;
  if (!logger.isLevelEnabled(failed ? 'warn' : 'info')) return;
  const line = {
    'event.action': request.operation,
    'network.protocol': request.transport,
    'http.request.method': request.method,
    'url.path': request.route,
    'http.response.status_code': request.status,
    // ECS counts durations in nanoseconds.
    'event.duration': Math.round(request.milliseconds * 1e6),
    'user.id': request.callerId,
    'organization.id': request.orgId,
    'client.address': request.address,
  };
  if (failed) logger.warn(line, 'request');
  else logger.info(line, 'request');
}
