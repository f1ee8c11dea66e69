import { InvalidInput, MalformedRequest } from '../../contract/platform.problems.ts';
import { Problem } from '../../contract/problem.ts';
import type { ParseJson } from '../json-parser.ts';

/** What a client asks for ("GraphQL over HTTP", and the payload of `subscribe` in graphql-transport-ws). */
export interface GraphqlRequest {
  readonly query: string | undefined;
  /** Names a document that the server knows. */
  readonly documentId: string | undefined;
  readonly operationName: string | undefined;
  readonly variables: Readonly<Record<string, unknown>>;
}

type Given = Record<string, unknown>;

/** @throws Problem MalformedRequest, InvalidInput */
export function readRequest(message: unknown): GraphqlRequest {
  if (Array.isArray(message))
    throw new Problem(MalformedRequest, 'Several requests in one are not taken: send one after the other');
  if (!isObject(message)) throw new Problem(MalformedRequest, 'A GraphQL request is a JSON object with a "query"');
  const variables = message['variables'] ?? {};
  if (!isObject(variables)) throw wrong('/variables', 'Expected an object');
  return {
    // A client of a protocol that wants one sends an empty text beside the id.
    query: textOf(message, 'query') || undefined,
    documentId: textOf(message, 'documentId') ?? persistedHash(message['extensions']),
    operationName: textOf(message, 'operationName') || undefined,
    variables,
  };
}

/** The same out of a query string, where variables and extensions are JSON text. */
export function readQueryString(query: Given, parse: ParseJson): GraphqlRequest {
  const { variables, extensions, ...rest } = query;
  const json = (text: unknown, pointer: string) => (text ? parsed(String(text), pointer, parse) : undefined);
  return readRequest({ ...rest, variables: json(variables, '/variables'), extensions: json(extensions, '/extensions') });
}

/** As Apollo's and Relay's clients send it. */
function persistedHash(extensions: unknown): string | undefined {
  if (!isObject(extensions) || !isObject(extensions['persistedQuery'])) return undefined;
  const hash = extensions['persistedQuery']['sha256Hash'];
  return typeof hash === 'string' ? hash : undefined;
}

function textOf(message: Given, name: string): string | undefined {
  const value = message[name] ?? undefined;
  if (value === undefined || typeof value === 'string') return value;
  throw wrong(`/${name}`, 'Expected text');
}

function parsed(text: string, pointer: string, parse: ParseJson): unknown {
  try {
    return parse(text);
  } catch {
    throw wrong(pointer, 'Expected JSON');
  }
}

const isObject = (value: unknown): value is Given => typeof value === 'object' && value !== null && !Array.isArray(value);

const wrong = (pointer: string, detail: string) => new Problem(InvalidInput, undefined, { errors: [{ pointer, detail }] });
