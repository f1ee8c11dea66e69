import { z } from 'zod';

/** What the server says, for the documents; it is put together in server-messages.ts. */
const Id = z.union([z.string(), z.int()]).describe('The id of the message that this answers.');
const Stream = z.string().describe('Names the stream to this connection; the same subscription elsewhere may have another name.');
const Cursor = z.string().describe('Where the stream stands: opaque, to be given back as `after`.');
const Seconds = z.int().min(0);

export const ServerMessages = {
  ready: z
    .object({
      type: z.literal('ready'),
      expiresIn: Seconds.describe('Seconds until the token ends.'),
      heartbeat: Seconds.describe('Seconds between two pings of the server; one that is missed ends the connection.'),
    })
    .describe('Signed in, or a token was renewed.'),
  subscribed: z
    .object({
      type: z.literal('subscribed'),
      id: Id,
      stream: Stream,
      cursor: Cursor,
      reset: z.boolean().describe('True where items before `cursor` were left out: read them by operations.'),
    })
    .describe('The stream is followed from `cursor` on.'),
  reset: z
    .object({ type: z.literal('reset'), stream: Stream, cursor: Cursor })
    .describe('Items before `cursor` were left out: read them by operations. The stream goes on after it.'),
  expiring: z
    .object({ type: z.literal('expiring'), seconds: Seconds, stream: Stream.optional() })
    .describe('The token of the connection, or of this stream alone, ends soon: send `auth` with a new one.'),
  pong: z.object({ type: z.literal('pong') }).describe('Answers `ping`.'),
} as const;

/** The fields of an answer beside its output. */
export const AnswerFields = z.object({
  type: z.literal('answer'),
  id: Id,
  status: z.int().describe('The status that the operation has over REST.'),
  version: z.string().optional().describe('Version of the entity, as in `ETag` over REST.'),
  replayed: z.boolean().optional().describe('True where this is the first answer to an idempotency key, given again.'),
});

/** The fields of an event beside its item. */
export const EventFields = z.object({ type: z.literal('event'), stream: Stream, cursor: Cursor });

/** The fields of `problem` and `ended` beside the problem itself. */
export const ProblemFields = z.object({
  type: z.literal('problem'),
  id: Id.optional().describe('Absent where it answers a message without an id, or none that could be read.'),
  retryAfter: Seconds.optional().describe('Seconds after which a retry makes sense.'),
});
export const EndedFields = z.object({ type: z.literal('ended'), stream: Stream });
