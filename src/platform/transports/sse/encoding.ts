import type { Problem } from '../../contract/problem.ts';
import { problemBody } from '../../operations/problem-body.ts';
import type { Subscription } from '../../realtime/bound-channel.ts';
import type { Encoding } from '../../realtime/frame.ts';

/** Fields of an event. JSON text and cursors hold no line break, which would end a field. */
const event = (name: string, id: string | undefined, data: object) =>
  Buffer.from(`event: ${name}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`);

export const subscribed = ({ cursor, reset }: Subscription) => event('subscribed', cursor, { cursor, reset });
export const reset = (cursor: string) => event('reset', cursor, { cursor });
export const ended = (problem: Problem, requestId: string) => event('ended', undefined, problemBody(problem, requestId));

/** Clients come back at different moments, in milliseconds from 1 to 5 s. */
export const retry = () => Buffer.from(`retry: ${1_000 + Math.floor(Math.random() * 4_000)}\n\n`);

/** A comment: readers leave it out, proxies see that the connection is in use. */
export const HEARTBEAT = Buffer.from(':\n\n');

/** The events of a batch as they go over the wire; made once for all who follow the stream. */
export const EVENTS: Encoding<Buffer> = {
  encode: (frames) => Buffer.from(frames.map(({ cursor, json }) => `id: ${cursor}\ndata: ${json}\n\n`).join('')),
};
