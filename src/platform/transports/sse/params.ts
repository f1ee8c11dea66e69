import type { FastifyRequest } from 'fastify';
import type { ChannelDefinition } from '../../contract/channel.ts';
import { InvalidInput } from '../../contract/platform.problems.ts';
import { Problem } from '../../contract/problem.ts';
import { textReader, type Values } from '../rest/rest-input.ts';

/** What names the cursor in the query string, for readers that can't set `Last-Event-ID`. */
export const AFTER = 'after';

/** What a request says of a stream: its params, from path and query string, and the cursor to go on after. */
interface Wanted {
  /** May throw; called only once the caller may subscribe. */
  readonly params: () => Values;
  readonly after: string | undefined;
}

/** @throws Error for a channel with a param that has the cursor's name */
export function channelParams({ name, pathParams, paramFields }: ChannelDefinition): (request: FastifyRequest) => Wanted {
  const readText = textReader(paramFields);
  if (paramFields.some((field) => field.name === AFTER))
    throw new Error(`channel "${name}": "${AFTER}" is the cursor's name in a query string; call the param otherwise`);
  return (request) => {
    const { [AFTER]: after, ...query } = request.query as Values;
    // A reader that reconnects asks for the same URL again; where it had got to is in the header.
    const cursor = request.headers['last-event-id'] ?? after;
    return {
      after: typeof cursor === 'string' && cursor !== '' ? cursor : undefined,
      params: () => {
        const strays = pathParams.filter((each) => each in query);
        if (strays.length > 0) refuse(strays, 'This field comes from the path');
        if (Array.isArray(after)) refuse([AFTER], 'One cursor, not several');
        return readText(Object.assign(query, request.params));
      },
    };
  };
}

function refuse(names: readonly string[], detail: string): never {
  throw new Problem(InvalidInput, undefined, { errors: names.map((name) => ({ pointer: `/${name}`, detail })) });
}
