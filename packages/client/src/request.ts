import type { OperationContract } from './contracts.ts';
import { type ProblemBody, ProblemError, unreachable } from './problem.ts';

/** One try of one call. */
export interface Attempt {
  readonly operation: OperationContract;
  readonly input: Record<string, unknown>;
  readonly token: string | undefined;
  readonly idempotencyKey: string | undefined;
  readonly signal: AbortSignal;
}

/** Makes one try. @throws ProblemError */
export type Send = (attempt: Attempt) => Promise<unknown>;

/** Over HTTP, a request for each call. */
export const overFetch =
  (url: string, fetch: typeof globalThis.fetch): Send =>
  async ({ operation, input, token, idempotencyKey, signal }) => {
    const { path, body } = addressed(operation, input);
    let reply: Response;
    let text: string;
    try {
      reply = await fetch(url + path, {
        method: operation.method,
        headers: {
          accept: 'application/json',
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
        },
        ...(body !== undefined && { body }),
        signal,
      });
      text = await reply.text();
    } catch (error) {
      signal.throwIfAborted();
      throw unreachable(error);
    }
    if (reply.ok) return text === '' ? undefined : parsed(text, reply);
    throw new ProblemError(problemIn(text, reply), Number(reply.headers.get('retry-after')) || undefined);
  };

/** A sign-in page of the network between, for example, comes with status 200. */
function parsed(text: string, reply: Response): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ProblemError(problemIn(text, reply), undefined, error);
  }
}

/** The path with its parameters filled in; the rest of the input goes into the query string or the body. */
export function addressed({ method, path, params }: OperationContract, input: Record<string, unknown>) {
  const rest = { ...input };
  const filled = path.replace(/:([A-Za-z0-9]+)/g, (_, name: string) => encodeURIComponent(String(input[name])));
  for (const name of params) delete rest[name];
  if (method !== 'GET' && method !== 'DELETE') return { path: filled, body: JSON.stringify(rest) };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(rest))
    for (const each of [value].flat()) if (each !== undefined) query.append(name, String(each));
  const text = query.toString();
  return { path: text === '' ? filled : `${filled}?${text}`, body: undefined };
}

/** A proxy on the way may answer something else than a problem. */
function problemIn(text: string, { status, statusText }: Response): ProblemBody {
  try {
    const body = JSON.parse(text);
    if (typeof body.code === 'string') return body;
  } catch {
    // Said below.
  }
  return { type: 'about:blank', code: `http/${status}`, status, title: statusText || `HTTP ${status}` };
}
