import * as z from 'zod';
import { accepting } from './accept.ts';
import type { Access } from './access.ts';
import type { EventDefinition } from './event.ts';
import { parseHttp } from './http.ts';
import { nameOf } from './kinds.ts';
import { type Limit, perCaller } from './limit.ts';
import type { ProblemDefinition } from './problem.ts';
import { checkPortable, portable, type Portable, type PortableField, portableFields } from './portable.ts';

/** What a contract says of a channel; {@link channel} checks it and fills in the defaults. */
export interface ChannelDeclaration<P extends z.core.$ZodLooseShape, I extends z.ZodType> {
  /** `<module>.<noun>`, for example `chat.room`. No operation has the same name with `subscribe` behind it. */
  name: string;
  summary: string;
  description?: string;
  /** Where its server-sent events are. Parameters of the path are fields of `params`. */
  http: `GET /${string}`;
  /** Required, as for an operation. Which stream of the channel this caller may follow is the handler's question. */
  access: Access;
  /** What tells one stream of the channel from another: scalars that are always there. */
  params: P;
  /** What a subscriber gets, one at a time: a `schema()`, or a `union()` where there are several kinds. */
  item: I;
  /** The facts that put an item into the stream. */
  events: readonly EventDefinition[];
  /** Those of the facts after which `personId`, a field of their data, may have lost access: it is asked for again. */
  revokedBy?: readonly EventDefinition[];
  /** What its `authorize` may answer with. */
  problems?: readonly ProblemDefinition[];
  /** How often somebody may subscribe. Where nothing is said, {@link DEFAULT_SUBSCRIBE_LIMIT}. */
  limit?: Limit | readonly Limit[];
}

/** An ordered, resumable stream of items to clients. Its handlers are `authorize`, `heads` and `readAfter`. */
export interface ChannelDefinition<P extends z.core.$ZodLooseShape = z.core.$ZodLooseShape, I extends z.ZodType = z.ZodType> {
  readonly kind: 'channel';
  readonly name: string;
  readonly module: string;
  readonly summary: string;
  readonly description: string | undefined;
  /** Path of its server-sent events. */
  readonly path: string;
  /** Those of the params that are in the path. */
  readonly pathParams: readonly string[];
  readonly access: Access;
  readonly params: z.ZodObject<P>;
  /** For what comes from outside: an unknown field is refused. */
  readonly strictInput: z.ZodObject<P>;
  /** For what comes over gRPC: an unknown field is dropped. */
  readonly lenientInput: z.ZodObject<P>;
  readonly paramFields: readonly PortableField[];
  readonly item: I;
  readonly itemType: Portable & { readonly kind: 'object' | 'union' };
  readonly events: readonly EventDefinition[];
  readonly revokedBy: readonly EventDefinition[];
  readonly problems: readonly ProblemDefinition[];
  readonly limit: readonly Limit[];
}

/** What subscribers pass. */
export type ParamsOf<C extends { params: z.ZodType }> = z.output<C['params']>;
/** What subscribers get. */
export type ItemOf<C extends { item: z.ZodType }> = z.output<C['item']>;

/** A device that comes back subscribes to all that it follows at once. */
export const DEFAULT_SUBSCRIBE_LIMIT = perCaller(3_000, '1m');

const NAME = /^[a-z][a-zA-Z0-9]*\.[a-z][a-zA-Z0-9]*$/;
const SCALARS = ['string', 'id', 'boolean', 'int32', 'int64', 'enum'];

export function channel<P extends z.core.$ZodLooseShape, I extends z.ZodType>(
  declared: ChannelDeclaration<P, I>,
): ChannelDefinition<P, I> {
  const { name, params, item, events, revokedBy = [] } = declared;
  const fail = (reason: string): never => {
    throw new Error(`channel "${name}": ${reason}`);
  };
  if (!NAME.test(name)) fail('a name is <module>.<noun> in camelCase');
  if (!declared.access?.who) fail('say who may subscribe: `access` is required');
  const http = parseHttp(declared.http);
  const owner = name.replace(/(^|\.)[a-z]/g, (start) => start.at(-1)!.toUpperCase());
  const paramFields = portableFields(owner, params as Record<string, z.core.$ZodType>, 'input');
  checkPortable(paramFields);
  for (const field of paramFields)
    if (field.presence !== 'required' || !SCALARS.includes(field.type.kind))
      fail(`"${field.name}" is no scalar that is always there`);
  for (const param of http.params) if (!(param in params)) fail(`":${param}" of its path is none of its params`);
  const itemType = portable(item, `${name} item`, name);
  if (!nameOf(item) || (itemType.kind !== 'object' && itemType.kind !== 'union'))
    return fail('its item is a schema() or a union()');
  checkPortable([{ name: 'item', type: itemType, presence: 'required' }]);
  for (const event of revokedBy) {
    if (!events.includes(event)) fail(`it is revoked by ${event.name}, which is none of its events`);
    if (!('personId' in event.data.shape)) fail(`it is revoked by ${event.name}, whose data does not say whom: "personId"`);
  }
  return Object.freeze({
    kind: 'channel',
    name,
    module: name.split('.')[0]!,
    summary: declared.summary,
    description: declared.description,
    path: http.path,
    pathParams: http.params,
    access: declared.access,
    params: z.object(params),
    strictInput: accepting(params, 'refuse'),
    lenientInput: accepting(params, 'drop'),
    paramFields,
    item,
    itemType,
    events,
    revokedBy,
    problems: declared.problems ?? [],
    limit: declared.limit === undefined ? [DEFAULT_SUBSCRIBE_LIMIT] : [declared.limit].flat(),
  });
}
