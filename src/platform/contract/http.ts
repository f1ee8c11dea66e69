export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** `'POST /chat/rooms/:roomId'` as method, path and the names of its parameters. */
export function parseHttp(http: `${HttpMethod} /${string}`) {
  const [method, path] = http.split(' ') as [HttpMethod, string];
  const params = [...path.matchAll(/:([A-Za-z0-9]+)/g)].map((match) => match[1]!);
  return { method, path, params };
}
