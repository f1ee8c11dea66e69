import type { FastifyRequest } from 'fastify';
import { fromKnownPage } from './page-origin.ts';

/** The cookie that may hold an access token, for browsers' WebSocket and EventSource, which can set no header. */
const TOKEN_COOKIE = 'fondasi_token';

/** RFC 6750. Any other scheme is no token of ours; it is refused like a wrong one. */
export function bearer({ headers }: FastifyRequest): string | undefined {
  return tokenIn(headers.authorization);
}

/** The same where `Authorization: Bearer …` comes some other way. */
export function tokenIn(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined;
  return authorization.slice(0, 7).toLowerCase() === 'bearer ' ? authorization.slice(7) : '';
}

/** The access token of a request that a browser can't give a header: the header's, or the cookie's where a known page asks. */
export function bearerOrCookie(request: FastifyRequest, origins: readonly string[]): string | undefined {
  return bearer(request) ?? (fromKnownPage(request, origins) ? cookie(request) : undefined);
}

function cookie({ headers }: FastifyRequest): string | undefined {
  const prefix = `${TOKEN_COOKIE}=`;
  const found = headers.cookie
    ?.split(';')
    .map((pair) => pair.trim())
    .find((pair) => pair.startsWith(prefix));
  return found?.slice(prefix.length) || undefined;
}
