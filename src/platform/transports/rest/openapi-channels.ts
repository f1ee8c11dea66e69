import type { ChannelDefinition } from '../../contract/channel.ts';
import * as platform from '../../contract/platform.problems.ts';
import type { Json } from '../json-schema.ts';
import { AFTER } from '../sse/params.ts';
import type { SchemaOf } from './openapi.ts';
import { problemResponses } from './openapi-problems.ts';

/** A channel as OpenAPI has it: a GET that goes on, each event an item. */
export function channelObject(channel: ChannelDefinition, schemaOf: SchemaOf): Json {
  const { properties = {} } = schemaOf(channel.params, 'input');
  const parameter = (name: string) => {
    const { description, ...schema } = properties[name];
    const place = channel.pathParams.includes(name) ? 'path' : 'query';
    return { name, in: place, required: true, schema, ...(description && { description }) };
  };
  const item = schemaOf(channel.item, 'output');
  return {
    operationId: `${channel.name}.subscribe`,
    summary: channel.summary,
    description: [channel.description, HOW].filter(Boolean).join('\n\n'),
    tags: [channel.module],
    parameters: [...Object.keys(properties).map(parameter), LAST_EVENT_ID, AFTER_PARAMETER],
    responses: {
      200: {
        description: 'A stream of events; the schema is that of the `data` of one.',
        content: { 'text/event-stream': { schema: item } },
      },
      ...problemResponses(problemsOf(channel)),
    },
    security: channel.access.who === 'anyone' ? [] : [{ accessToken: [] }],
    'x-access':
      channel.access.who === 'may'
        ? { permission: channel.access.permission.name, roles: channel.access.permission.roles }
        : channel.access.who,
    'x-limit': channel.limit.map(({ per, points, seconds }) => `${points} per ${seconds} s and ${per}`),
  };
}

const HOW =
  'Server-sent events. The first one, `subscribed`, tells where the stream begins (`cursor`) and whether earlier items were left out (`reset`); ' +
  'each item is a `message` whose `id` is the cursor behind it; `reset` says that items were left out and must be read by operations; `ended` brings the problem that ended the stream.';

/** Its own problems and those that any channel of its kind may answer with. */
function problemsOf({ access, problems }: ChannelDefinition) {
  return [
    ...problems,
    platform.InvalidInput,
    ...(access.who === 'anyone' ? [] : [platform.Unauthenticated]),
    ...(access.who === 'may' ? [platform.Forbidden] : []),
    ...(access.who === 'steppedUp' ? [platform.StepUpRequired] : []),
    platform.NotAcceptable,
    platform.TooManyRequests,
    platform.InternalError,
    platform.Unavailable,
    platform.DeadlineExceeded,
  ];
}

const CURSOR = { type: 'string', maxLength: 512 };
const LAST_EVENT_ID = {
  name: 'Last-Event-ID',
  in: 'header',
  required: false,
  schema: CURSOR,
  description: 'The cursor of the last item that the reader has got; the stream goes on after it.',
};
const AFTER_PARAMETER = {
  name: AFTER,
  in: 'query',
  required: false,
  schema: CURSOR,
  description: 'The same, for a reader that can set no header.',
};
