import { z } from 'zod';
import { InvalidInput, MalformedRequest } from '../../contract/platform.problems.ts';
import { Problem } from '../../contract/problem.ts';
import { fieldErrors } from '../../operations/input.ts';
import type { ParseJson } from '../json-parser.ts';

const Id = z
  .union([z.string().min(1).max(64), z.int()])
  .describe('Chosen by the client; the answer has the same. One is in use until its answer has come.');
const Stream = z.string().min(1).max(512).describe('The stream, as `subscribed` named it.');
const Token = z.string().min(1).max(8_192).describe('An access token.');

export const AuthMessage = z
  .strictObject({
    type: z.literal('auth'),
    token: Token,
    stream: Stream.optional().describe('Renews the token of this subscription alone, which was made with a token of its own.'),
  })
  .describe('Signs in, or goes on with a new token of the same person in the same organization.');
export const CallMessage = z
  .strictObject({
    type: z.literal('call'),
    id: Id,
    operation: z.string().max(200).describe('Name of the operation, such as `chat.messages.post`.'),
    input: z.unknown().optional().describe("The operation's input; an empty object where it is left out."),
    timeout: z.int().min(1).max(3_600_000).optional().describe('Milliseconds that the client waits.'),
    idempotencyKey: z.string().max(255).optional().describe('As the header `Idempotency-Key` over REST.'),
  })
  .describe('Calls an operation.');
export const CancelMessage = z
  .strictObject({ type: z.literal('cancel'), id: Id })
  .describe(
    'Calls off a call, or a subscription that was not answered yet. It is answered with the problem `platform/cancelled`.',
  );
export const SubscribeMessage = z
  .strictObject({
    type: z.literal('subscribe'),
    id: Id,
    channel: z.string().max(200).describe('Name of the channel, such as `chat.room`.'),
    params: z.unknown().optional().describe("The channel's params; an empty object where they are left out."),
    after: z.string().max(512).optional().describe('The last cursor that the client has got; goes on after it.'),
    token: Token.optional().describe('A token for this subscription alone, to follow a stream of another organization.'),
  })
  .describe('Follows a stream.');
export const UnsubscribeMessage = z
  .strictObject({ type: z.literal('unsubscribe'), stream: Stream })
  .describe('Follows a stream no more. `ended` is the last that comes of it.');
export const PingMessage = z.strictObject({ type: z.literal('ping') }).describe('Asks for a `pong`.');

const ClientMessage = z.discriminatedUnion(
  'type',
  [AuthMessage, CallMessage, CancelMessage, SubscribeMessage, UnsubscribeMessage, PingMessage],
  { error: 'Expected a message: its type is auth, call, cancel, subscribe, unsubscribe or ping' },
);
type ClientMessage = z.output<typeof ClientMessage>;
export type MessageId = z.output<typeof Id>;
export type AuthMessage = z.output<typeof AuthMessage>;
export type CallMessage = z.output<typeof CallMessage>;
export type SubscribeMessage = z.output<typeof SubscribeMessage>;

/** A message that is none. It belongs to a call where it has an id. */
export class NoMessage extends Error {
  readonly problem: Problem;
  readonly id: MessageId | undefined;

  constructor(problem: Problem, id?: MessageId) {
    super(problem.message);
    this.problem = problem;
    this.id = id;
  }
}

/** @throws NoMessage */
export function readMessage(data: Buffer, parseJson: ParseJson): ClientMessage {
  let value: unknown;
  try {
    value = parseJson(data.toString());
  } catch {
    throw new NoMessage(new Problem(MalformedRequest, 'The message is no JSON'));
  }
  const result = ClientMessage.safeParse(value);
  if (result.success) return result.data;
  const id = Id.safeParse((value as { id?: unknown } | null)?.id);
  throw new NoMessage(
    new Problem(InvalidInput, 'This is no message of the protocol `v1.json`', { errors: fieldErrors(result.error.issues) }),
    id.success ? id.data : undefined,
  );
}
