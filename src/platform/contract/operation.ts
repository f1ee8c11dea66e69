import * as z from 'zod';
import { accepting } from './accept.ts';
import type { Access } from './access.ts';
import { type HttpMethod, parseHttp } from './http.ts';
import { DEFAULT_LIMIT, type Limit, type Window, windowSeconds } from './limit.ts';
import { checkPortable, type PortableField, portableFields } from './portable.ts';
import type { ProblemDefinition } from './problem.ts';
import { nameOf } from './kinds.ts';

/** A binary stream beside the JSON: `in` (upload) or `out` (download) with the media types it may have. */
export interface StreamDefinition {
  readonly direction: 'in' | 'out';
  readonly mediaTypes: readonly string[];
}

/** What a contract says of an operation; {@link operation} checks it and fills in the defaults. */
export interface OperationDeclaration<I extends z.core.$ZodLooseShape, O extends z.ZodObject> {
  /** `<module>.<noun>.<verb>`, for example `chat.messages.post`. */
  name: string;
  summary: string;
  description?: string;
  /** Parameters of the path are fields of the input. */
  http: `${HttpMethod} /${string}`;
  /** Status of success over REST; 200 where nothing is said, 204 where the output is `nothing`. */
  success?: 200 | 201 | 202;
  /** Required: there is no default, so nothing is open by accident. */
  access: Access;
  input: I;
  /** A `schema()`, a `page()`, or `nothing`. */
  output: O;
  problems?: readonly ProblemDefinition[];
  /** All of them hold. Where nothing is said, {@link DEFAULT_LIMIT}. */
  limit?: Limit | readonly Limit[];
  /** `safe`: repeating does no harm; `key`: `Idempotency-Key` is honoured; `never` (the default, but for GET). */
  retry?: 'safe' | 'key' | 'never';
  /** The answer holds a secret: it is never stored for a retry, logged or cached. */
  secret?: boolean;
  /** The field of the output that is the entity's version: sent as `ETag`; `If-Match` fills the input field of that name. */
  version?: keyof O['shape'] & string;
  stream?: StreamDefinition;
  /** A replica that lags a little may answer. */
  stale?: boolean;
  deadline?: Window;
  /** Offered to agents as an MCP tool. */
  agent?: boolean;
  /** When it was deprecated and when it goes, as ISO dates. */
  deprecated?: { since: string; until?: string };
}

export interface OperationDefinition<
  I extends z.core.$ZodLooseShape = z.core.$ZodLooseShape,
  O extends z.ZodObject = z.ZodObject,
> {
  readonly kind: 'operation';
  readonly name: string;
  readonly module: string;
  readonly summary: string;
  readonly description: string | undefined;
  readonly method: HttpMethod;
  readonly path: string;
  readonly params: readonly string[];
  readonly success: 200 | 201 | 202 | 204;
  readonly access: Access;
  /** As declared; documents are made from it. */
  readonly input: z.ZodObject<I>;
  /** For what comes from outside: an unknown field is refused. */
  readonly strictInput: z.ZodObject<I>;
  /** For what comes from another process or over gRPC: an unknown field is dropped. */
  readonly lenientInput: z.ZodObject<I>;
  readonly inputFields: readonly PortableField[];
  readonly output: O;
  readonly outputFields: readonly PortableField[];
  readonly problems: readonly ProblemDefinition[];
  readonly limit: readonly Limit[];
  readonly retry: 'safe' | 'key' | 'never';
  readonly secret: boolean;
  readonly version: string | undefined;
  readonly paged: boolean;
  readonly stream: StreamDefinition | undefined;
  readonly stale: boolean;
  readonly deadlineSeconds: number;
  readonly agent: boolean;
  readonly deprecated: { since: string; until?: string } | undefined;
}

/** What a handler gets: the input, validated, defaults filled in. */
export type Input<C extends { input: z.ZodType }> = z.output<C['input']>;
/** What a caller passes: fields with a default may be left out. */
export type InputOf<C extends { input: z.ZodType }> = z.input<C['input']>;
/** What a handler answers. */
export type Output<C extends { output: z.ZodType }> = z.output<C['output']>;

const NAME = /^[a-z][a-zA-Z0-9]*(\.[a-z][a-zA-Z0-9]*){1,2}$/;
const DEFAULT_DEADLINE: Window = '10s';

/** The output of an operation that answers nothing (204). */
export const nothing = z.object({});

/** Fields of a paged operation's input: how many, and where the last page ended. */
export const paging = (most = 100, usual = 20) => ({
  limit: z.int32().min(1).max(most).default(usual),
  cursor: z.string().max(512).optional(),
});

const pages = new WeakSet<z.ZodObject>();

/** A page of items; `next` is the cursor of the next page, absent on the last one. */
export const page = <T extends z.ZodObject>(item: T) => {
  const made = z.object({ items: z.array(item), next: z.string().optional() }).meta({ id: `${nameOf(item)}Page` });
  pages.add(made);
  return made;
};

/** Operations named `chat.messages.post` have an input called `ChatMessagesPostInput`. */
export const inputName = (operationName: string) =>
  `${operationName
    .split('.')
    .map((part) => part[0]!.toUpperCase() + part.slice(1))
    .join('')}Input`;

export function operation<I extends z.core.$ZodLooseShape, O extends z.ZodObject>(
  declared: OperationDeclaration<I, O>,
): OperationDefinition<I, O> {
  const { name, input, output } = declared;
  const fail = (reason: string): never => {
    throw new Error(`operation "${name}": ${reason}`);
  };
  if (!NAME.test(name)) fail('a name is <module>.<verb> or <module>.<noun>.<verb> in camelCase');
  if (!declared.access?.who) fail('say who may call it: `access` is required');
  const http = parseHttp(declared.http);
  const inputFields = portableFields(inputName(name), input as Record<string, z.core.$ZodType>, 'input');
  checkPortable(inputFields);
  checkHttpInput(http, inputFields, fail);
  const outputName = nameOf(output);
  const empty = Object.keys(output.shape).length === 0;
  if (!outputName && !empty) fail('its output is a schema(), a page() or nothing');
  const outputFields = portableFields(outputName ?? 'Nothing', output.shape, 'output');
  checkPortable(outputFields);
  if (declared.version && !(declared.version in output.shape)) fail(`its output has no field "${declared.version}"`);

  return Object.freeze({
    kind: 'operation',
    name,
    module: name.split('.')[0]!,
    summary: declared.summary,
    description: declared.description,
    ...http,
    success: declared.success ?? (empty ? 204 : 200),
    access: declared.access,
    input: z.object(input),
    strictInput: accepting(input, 'refuse'),
    lenientInput: accepting(input, 'drop'),
    inputFields,
    output,
    outputFields,
    problems: declared.problems ?? [],
    limit: declared.limit === undefined ? [DEFAULT_LIMIT] : [declared.limit].flat(),
    retry: declared.retry ?? (http.method === 'GET' ? 'safe' : 'never'),
    secret: declared.secret ?? false,
    version: declared.version,
    paged: pages.has(output),
    stream: declared.stream,
    stale: declared.stale ?? false,
    deadlineSeconds: windowSeconds(declared.deadline ?? DEFAULT_DEADLINE),
    agent: declared.agent ?? false,
    deprecated: declared.deprecated,
  } as OperationDefinition<I, O>);
}

/** Every parameter of the path is a required field; without a body the rest must fit into a query string. */
function checkHttpInput(http: ReturnType<typeof parseHttp>, fields: PortableField[], fail: (reason: string) => never) {
  for (const param of http.params) {
    const field = fields.find(({ name }) => name === param);
    if (!field || field.presence !== 'required') fail(`":${param}" of its path is no required field of its input`);
  }
  if (http.method !== 'GET' && http.method !== 'DELETE') return;
  for (const { name, type, presence } of fields) {
    const scalar = type.kind === 'list' ? type.of.kind : type.kind;
    if (['object', 'union', 'map', 'json', 'list'].includes(scalar))
      fail(`"${name}" does not fit into a query string; ${http.method} takes scalars and lists of them`);
    if (presence === 'nullable') fail(`"${name}" is nullable, but a query string has no null; make it optional`);
  }
}
