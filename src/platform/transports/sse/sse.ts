import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '#config/config';
import { isForOutside } from '../../contract/access.ts';
import { NotAcceptable } from '../../contract/platform.problems.ts';
import { Problem } from '../../contract/problem.ts';
import type { Origin } from '../../operations/caller.ts';
import type { BoundChannel, Subscription } from '../../realtime/bound-channel.ts';
import { bearerOrCookie } from '../credentials.ts';
import { originOf } from '../request-origin.ts';
import type { HttpParts } from '../rest/http.ts';
import { EventStream } from './event-stream.ts';
import { EventStreams } from './event-streams.ts';
import { channelParams } from './params.ts';

const HEARTBEAT_MS = 15_000;

export type SseSettings = Pick<Config, 'CORS_ORIGINS' | 'SEND_BUFFER'>;

/** Serves channels as server-sent events, for readers that only have HTTP: see docs/guides/realtime.md. */
export function mountSse(
  app: FastifyInstance,
  settings: SseSettings,
  { served, metrics }: Pick<HttpParts, 'served' | 'metrics'>,
  heartbeat = HEARTBEAT_MS,
): void {
  const streams = new EventStreams(heartbeat);
  metrics.observe('sse_streams', 'Streams of server-sent events that are being read.', () => streams.size);
  for (const channel of served.channels) if (isForOutside(channel.contract)) mount(app, channel, settings, streams);
  app.addHook('preClose', async () => streams.stop());
}

function mount(app: FastifyInstance, channel: BoundChannel, settings: SseSettings, streams: EventStreams) {
  const { name, path } = channel.contract;
  const read = channelParams(channel.contract);
  app.get(path, { config: { operation: name, transport: 'sse', openEnded: true } }, async (request, reply) => {
    checkAccept(request);
    const { params, after } = read(request);
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const origin = originOf(request, reply, 'sse');
    const subscription = await channel.subscribe({
      input: params,
      credentials: { token: bearerOrCookie(request, settings.CORS_ORIGINS) },
      origin,
      unknownFields: 'refuse',
      signal: gone.signal,
      after,
    });
    setHeaders(reply);
    if (request.method === 'HEAD' || gone.signal.aborted) {
      subscription.close();
      return reply.send();
    }
    const release = admit(streams, origin, subscription);
    const stream = new EventStream(subscription, reply, settings.SEND_BUFFER);
    reply.raw.once('close', () => {
      release();
      stream.close();
      streams.remove(stream);
    });
    streams.add(stream);
    stream.start();
    return reply;
  });
}

function admit(streams: EventStreams, origin: Origin, subscription: Subscription): () => void {
  try {
    return streams.admit(origin);
  } catch (error) {
    subscription.close();
    throw error;
  }
}

/** RFC 9110, section 12.5.1, without weights: whoever names the type at all takes it. */
function checkAccept({ headers }: FastifyRequest) {
  const types = (headers.accept ?? '*/*').split(',').map((type) => type.split(';', 1)[0]!.trim().toLowerCase());
  if (!types.some((type) => ['text/event-stream', 'text/*', '*/*'].includes(type))) throw new Problem(NotAcceptable);
}

function setHeaders(reply: FastifyReply) {
  reply
    .header('content-type', 'text/event-stream; charset=utf-8')
    .header('cache-control', 'no-store')
    .header('vary', [reply.getHeader('vary'), 'Authorization', 'Cookie'].filter(Boolean).join(', '))
    // nginx would keep events back until its buffer is full.
    .header('x-accel-buffering', 'no');
}
