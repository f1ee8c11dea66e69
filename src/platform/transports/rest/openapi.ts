import type { z } from 'zod';
import { isForOutside } from '../../contract/access.ts';
import type { ChannelDefinition } from '../../contract/channel.ts';
import { inputName, type OperationDefinition } from '../../contract/operation.ts';
import * as platform from '../../contract/platform.problems.ts';
import type { ProblemDefinition } from '../../contract/problem.ts';
import type { RawRouteDefinition } from '../../contract/raw-route.ts';
import { type Json, jsonSchema, schemaRef } from '../json-schema.ts';
import { PROBLEM } from '../problem-schema.ts';
import { channelObject } from './openapi-channels.ts';
import { problemResponses } from './openapi-problems.ts';

export interface OpenApiInfo {
  readonly version: string;
  /** Names of modules with one sentence each, for the tags. */
  readonly modules: readonly { readonly name: string; readonly summary: string }[];
}

/** 3.1 is the one to read; 3.0 says the same to the generators of clients that know no other. */
type OpenApiVersion = '3.1' | '3.0';

/** The schema of a type, its named parts kept in the document. */
export type SchemaOf = (type: z.ZodType, io: 'input' | 'output') => Json;

/** The OpenAPI document of what is served over REST. */
export function openApi(
  operations: readonly OperationDefinition[],
  routes: readonly RawRouteDefinition[],
  channels: readonly ChannelDefinition[],
  info: OpenApiInfo,
  version: OpenApiVersion = '3.1',
): Json {
  const schemas: Json = { Problem: PROBLEM };
  const schemaOf: SchemaOf = (type, io) => jsonSchema(type, io, schemas, `OpenAPI ${version}`);
  const paths: Json = {};
  const at = (path: string) => (paths[path.replace(/:([A-Za-z0-9]+)/g, '{$1}')] ??= {});
  for (const operation of operations.filter(isForOutside))
    at(operation.path)[operation.method.toLowerCase()] = operationObject(operation, schemaOf, schemas);
  for (const channel of channels.filter(isForOutside)) at(channel.path)['get'] = channelObject(channel, schemaOf);
  for (const route of routes) at(route.path)[route.method.toLowerCase()] = routeObject(route);
  return {
    ...HEADS[version],
    info: { title: 'Fondasi', version: info.version, ...HEADS[version].info },
    externalDocs: { description: 'The same over WebSocket: the AsyncAPI document', url: '/api-docs/asyncapi.json' },
    servers: [{ url: '/' }],
    tags: info.modules.map(({ name, summary }) => ({ name, description: summary })),
    paths,
    components: {
      schemas: Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1))),
      securitySchemes: {
        accessToken: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'The `accessToken` that signing in answers.',
        },
      },
    },
  };
}

const SUMMARY = 'Every operation of the modules that this product has.';
const HEADS = {
  '3.1': { openapi: '3.1.0', info: { summary: SUMMARY, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } } },
  '3.0': {
    openapi: '3.0.3',
    info: { description: SUMMARY, license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' } },
  },
};

function operationObject(operation: OperationDefinition, schemaOf: SchemaOf, schemas: Json): Json {
  const { properties = {}, required = [] } = schemaOf(operation.input, 'input');
  const query = operation.method === 'GET' || operation.method === 'DELETE';
  const rest = Object.keys(properties).filter((name) => !operation.params.includes(name));
  const parameter = (place: 'path' | 'query') => (name: string) => {
    const { description, ...schema } = properties[name];
    return {
      name,
      in: place,
      required: required.includes(name) && schema.default === undefined,
      schema,
      ...(description && { description }),
    };
  };
  const parameters: Json[] = [...operation.params.map(parameter('path')), ...(query ? rest.map(parameter('query')) : [])];
  if (operation.retry === 'key') parameters.push(IDEMPOTENCY_KEY);
  if (operation.version && rest.includes(operation.version)) parameters.push(IF_MATCH);
  if (operation.method === 'GET' && !operation.secret) parameters.push(IF_NONE_MATCH);
  const withBody = !query && rest.length > 0;
  if (withBody)
    schemas[inputName(operation.name)] = {
      type: 'object',
      properties: Object.fromEntries(rest.map((name) => [name, properties[name]])),
      required: required.filter((name: string) => rest.includes(name) && properties[name].default === undefined),
      additionalProperties: false,
    };
  return {
    operationId: operation.name,
    summary: operation.summary,
    ...(operation.description && { description: operation.description }),
    tags: [operation.module],
    ...(operation.deprecated && { deprecated: true }),
    ...(parameters.length > 0 && { parameters }),
    ...(withBody && {
      requestBody: { required: true, content: { 'application/json': { schema: schemaRef(inputName(operation.name)) } } },
    }),
    responses: responses(operation, schemaOf),
    security: operation.access.who === 'anyone' ? [] : [{ accessToken: [] }],
    ...accessNote(operation),
  };
}

/** Who may call, for readers and for generators that want to know. */
function accessNote({ access, limit }: OperationDefinition): Json {
  return {
    'x-access': access.who === 'may' ? { permission: access.permission.name, roles: access.permission.roles } : access.who,
    'x-limit': limit.map(({ per, points, seconds }) => `${points} per ${seconds} s and ${per}`),
  };
}

function responses(operation: OperationDefinition, schemaOf: SchemaOf): Json {
  const { success } = operation;
  const content = success === 204 ? undefined : { 'application/json': { schema: schemaOf(operation.output, 'output') } };
  const headers = {
    ...(success !== 204 && operation.method === 'GET' && { ETag: header('Version of the answer, for `If-None-Match`.') }),
    ...(operation.paged && { Link: header('The next page, `rel="next"`; absent on the last one.') }),
  };
  const result: Json = {
    [success]: {
      description: success === 204 ? 'Done' : 'Success',
      ...(Object.keys(headers).length > 0 && { headers }),
      ...(content && { content }),
    },
  };
  if (operation.method === 'GET' && !operation.secret) result[304] = { description: 'Not changed since `If-None-Match`' };
  return { ...result, ...problemResponses(problemsOf(operation)) };
}

/** Its own problems and those that any operation of its kind may answer with. */
export function problemsOf(operation: OperationDefinition): ProblemDefinition[] {
  const { access, limit, retry, version, inputFields } = operation;
  return [
    platform.InvalidInput,
    ...(operation.method === 'GET' ? [] : [platform.PayloadTooLarge, platform.UnsupportedMediaType]),
    ...(access.who === 'anyone' ? [] : [platform.Unauthenticated]),
    ...(access.who === 'may' ? [platform.Forbidden] : []),
    ...(access.who === 'steppedUp' ? [platform.StepUpRequired] : []),
    ...operation.problems,
    ...(version && inputFields.some(({ name }) => name === version) ? [platform.VersionMismatch] : []),
    ...(retry === 'key' ? [platform.IdempotencyKeyReused] : []),
    ...(retry === 'key' && operation.secret ? [platform.AlreadyDone] : []),
    ...(limit.length > 0 ? [platform.TooManyRequests] : []),
    platform.InternalError,
    platform.Unavailable,
    platform.DeadlineExceeded,
  ].filter((problem, index, all) => all.indexOf(problem) === index);
}

function routeObject(route: RawRouteDefinition): Json {
  return {
    operationId: route.name,
    summary: route.summary,
    tags: [route.name.split('.')[0]],
    responses: {
      200: {
        description: 'Success',
        content: { [route.produces]: { schema: route.produces.includes('json') ? {} : { type: 'string' } } },
      },
      '4XX': { description: 'A problem', content: { 'application/problem+json': { schema: schemaRef('Problem') } } },
    },
    security: route.access.who === 'anyone' ? [] : [{ accessToken: [] }],
  };
}

const header = (description: string) => ({ description, schema: { type: 'string' } });

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  schema: { type: 'string', minLength: 1, maxLength: 255 },
  description:
    'A unique text for this request. Repeated with the same key it takes effect once and answers the same; kept for 24 hours.',
};
const IF_MATCH = {
  name: 'If-Match',
  in: 'header',
  required: false,
  schema: { type: 'string' },
  description: 'The version (`ETag`) that the change is based on.',
};
const IF_NONE_MATCH = {
  name: 'If-None-Match',
  in: 'header',
  required: false,
  schema: { type: 'string' },
  description: 'An `ETag`; answers 304 when nothing changed.',
};
