import { channel, event, Id, int64, schema, signedIn, Timestamp } from 'fondasi';
import { z } from 'zod';

/** As a message of a chat. */
const Message = schema('BenchMessage', { id: Id, seq: int64(), authorId: Id, text: z.string(), postedAt: Timestamp });

export const Said = event({ name: 'talk.message-said', version: 1, key: 'room', data: { room: z.string(), seq: int64() } });

/** A channel with nothing behind it: what remains is the platform's own cost. */
export const room = channel({
  name: 'talk.room',
  summary: 'What is said in a room, made up',
  http: 'GET /bench/rooms/:room/events',
  access: signedIn(),
  params: { room: z.string() },
  item: Message,
  events: [Said],
});
