import type { FastifyRequest } from 'fastify';
import { Forbidden } from '../contract/platform.problems.ts';
import { Problem } from '../contract/problem.ts';

/** Whether the page that asks, where a page does, is of this host or of an origin in `CORS_ORIGINS`. */
function isKnown(origin: string, { host }: FastifyRequest, allowed: readonly string[]): boolean {
  if (allowed.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}

/**
 * A browser lets any page open a WebSocket to anywhere, and says only which page it is.
 * @throws Problem Forbidden for a page of another site
 */
export function checkOrigin(request: FastifyRequest, allowed: readonly string[]): void {
  const { origin } = request.headers;
  if (origin !== undefined && !isKnown(origin, request, allowed))
    throw new Problem(Forbidden, 'Pages of this origin may not connect: the operator lists origins in `CORS_ORIGINS`');
}

/**
 * Whether a page that may do so asks. Only then do cookies count, which a browser sends along whoever asks. It names no
 * origin when a page reads from its own, but says that it is its own.
 */
export function fromKnownPage(request: FastifyRequest, allowed: readonly string[]): boolean {
  const { origin, 'sec-fetch-site': site } = request.headers;
  return origin === undefined ? site === 'same-origin' : isKnown(origin, request, allowed);
}
