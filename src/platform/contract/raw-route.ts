import type { Access } from './access.ts';
import { type HttpMethod, parseHttp } from './http.ts';
import type { Limit } from './limit.ts';

/** What no operation can express: OIDC endpoints, webhooks in, static files. HTTP only. */
export interface RawRouteDefinition {
  readonly kind: 'rawRoute';
  readonly name: string;
  readonly summary: string;
  readonly method: HttpMethod;
  readonly path: string;
  readonly access: Access;
  readonly limit: readonly Limit[];
  /** Media type of the answer, for the documentation. */
  readonly produces: string;
}

export function rawRoute(definition: {
  name: string;
  summary: string;
  http: `${HttpMethod} /${string}`;
  access: Access;
  limit?: readonly Limit[];
  produces: string;
}): RawRouteDefinition {
  const { http, limit = [], ...rest } = definition;
  return Object.freeze({ kind: 'rawRoute', ...rest, ...parseHttp(http), limit });
}
