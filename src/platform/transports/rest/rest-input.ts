import type { FastifyRequest } from 'fastify';
import type { OperationDefinition } from '../../contract/operation.ts';
import { InvalidInput } from '../../contract/platform.problems.ts';
import type { Portable, PortableField } from '../../contract/portable.ts';
import { type FieldError, Problem } from '../../contract/problem.ts';

const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;

/** An entity tag as we make it: the version, a dot and a hash of the content; or the version alone. */
const TAG = /^(?:W\/)?"(.*?)(?:\.[\w-]{27})?"$/;

type Read = (text: string) => unknown;

/** Paths and query strings are text: how it is read as the type that the contract names. What does not fit stays text, for the schema to refuse. */
function reader(type: Portable): Read | undefined {
  if (type.kind === 'int32' || type.kind === 'double') return (text) => (NUMBER.test(text) ? Number(text) : text);
  if (type.kind === 'boolean') return (text) => (text === 'true' ? true : text === 'false' ? false : text);
  return undefined;
}

export type Values = Record<string, unknown>;

/** Reads the fields of a path or a query string, in place. */
export function textReader(fields: readonly PortableField[]): (values: Values) => Values {
  const reads = fields.flatMap(({ name, type }) => {
    if (type.kind === 'list') {
      const each = reader(type.of) ?? ((text: string) => text);
      return [[name, (value: unknown) => [value].flat().map((item) => each(item as string))] as const];
    }
    const read = reader(type);
    return read ? [[name, (value: unknown) => (typeof value === 'string' ? read(value) : value)] as const] : [];
  });
  return (values) => {
    for (const [name, read] of reads) if (name in values) values[name] = read(values[name]);
    return values;
  };
}

const refuse = (errors: FieldError[]): never => {
  throw new Problem(InvalidInput, undefined, { errors });
};

/**
 * The input of a request: parameters of the path; the query string (GET, DELETE) or the body; the entity's version
 * from `If-Match`. Each field has one place, so a field in another place is as unknown as any.
 */
export function restInput(contract: OperationDefinition): (request: FastifyRequest) => Values {
  const { params, method, inputFields, version } = contract;
  const fromQuery = method === 'GET' || method === 'DELETE';
  const readText = textReader(inputFields.filter(({ name }) => fromQuery || params.includes(name)));
  const readPath = params.length > 0;
  const versionField = inputFields.find(({ name }) => name === version);
  const readVersion = versionField && (reader(versionField.type) ?? ((text: string) => text));

  return (request) => {
    const input = { ...((fromQuery ? request.query : bodyOf(request)) as Values) };
    const strays = params.filter((name) => name in input);
    if (strays.length > 0) refuse(strays.map((name) => ({ pointer: `/${name}`, detail: 'This field comes from the path' })));
    if (!fromQuery) refuseQuery(request.query as Values);
    if (readPath) Object.assign(input, request.params);
    if (fromQuery || readPath) readText(input);
    const match = readVersion && request.headers['if-match'];
    if (match && match !== '*') input[version!] = readVersion(TAG.exec(match)?.[1] ?? match);
    return input;
  };
}

function bodyOf({ body }: FastifyRequest): Values {
  if (body === undefined || body === null) return {};
  if (typeof body !== 'object' || Array.isArray(body)) refuse([{ pointer: '', detail: 'Expected an object' }]);
  return body as Values;
}

function refuseQuery(query: Values) {
  for (const name in query) refuse([{ pointer: `/${name}`, detail: 'This operation takes no query string' }]);
}
