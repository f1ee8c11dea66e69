import { constants } from 'node:http2';
import type { handleServerStreamingCall, ServerWritableStream } from '@grpc/grpc-js';
import { SubscriberTooSlow, Unavailable } from '../../contract/platform.problems.ts';
import { Problem } from '../../contract/problem.ts';
import { runInRequest } from '../../observability/request-context.ts';
import type { BoundChannel, Subscription } from '../../realtime/bound-channel.ts';
import type { Frame } from '../../realtime/frame.ts';
import { framesOf, type QueuedFrame } from '../../realtime/frame-queue.ts';
import type { IncomingCall } from './incoming-call.ts';
import { channelFrame, subscribeInput } from './proto-model.ts';
import type { HandlerParts } from './unary.ts';

type Call = ServerWritableStream<Buffer, Buffer>;

/** Serves a channel: a stream of frames, until the client hangs up, its token ends, it loses access, or this process stops. */
export function subscriptionHandler(
  { contract, subscribe }: BoundChannel,
  parts: HandlerParts,
): handleServerStreamingCall<Buffer, Buffer> {
  const read = parts.reader.of(subscribeInput(contract));
  const write = parts.writer.of(channelFrame(contract));
  /** A frame is the same for all who follow the stream: it is written once. */
  const written = new WeakMap<Frame, Buffer>();
  const bytesOf = ({ cursor, reset, frame }: QueuedFrame) => {
    if (!frame) return write({ cursor, reset });
    let bytes = written.get(frame);
    if (!bytes) written.set(frame, (bytes = write({ cursor, reset, item: frame.item })));
    return bytes;
  };

  const open = (call: Call, incoming: IncomingCall, signal: AbortSignal): Promise<Subscription> => {
    // The cursor is needed at once; that the message makes no sense must not be told to whoever may not subscribe.
    const message = tried(() => read(call.request));
    return subscribe({
      input: () => {
        if ('error' in message) throw message.error;
        // The cursor is none of the params, and dropped with all that is unknown.
        return message.input;
      },
      credentials: { token: incoming.token },
      origin: incoming.origin,
      unknownFields: 'drop',
      signal,
      after: 'input' in message ? message.input.after : undefined,
    });
  };

  const follow = async (call: Call, incoming: IncomingCall) => {
    const over = new AbortController();
    call.once('cancelled', () => over.abort());
    let stopping = false;
    incoming.stop = () => {
      stopping = true;
      over.abort();
    };
    let subscription: Subscription | undefined;
    try {
      subscription = await open(call, incoming, over.signal);
      for await (const queued of framesOf(subscription, over.signal))
        if (!call.write(bytesOf(queued))) await drained(call, over.signal, parts.requestTimeout);
      if (over.signal.aborted && !stopping) return;
      throw new Problem(Unavailable, 'This process stops: subscribe again with the last cursor that you got', { retryAfter: 1 });
    } catch (error) {
      call.emit('error', parts.failure.of(error, incoming));
      // Whoever takes no frames takes no status either.
      if (error instanceof Stalled) incoming.stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    } finally {
      subscription?.close();
    }
  };

  return (call) => {
    const incoming = parts.edge.callOf(call.metadata);
    incoming.arrived(call.getDeadline());
    void runInRequest(incoming.ids, () => follow(call, incoming));
  };
}

class Stalled extends Problem {
  constructor() {
    super(SubscriberTooSlow);
  }
}

/** Until the client has taken what waits for it, or it is over. @throws Stalled */
function drained(call: Call, signal: AbortSignal, within: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (how: () => void) => () => {
      clearTimeout(timer);
      call.off('drain', goOn);
      signal.removeEventListener('abort', goOn);
      how();
    };
    const goOn = settle(resolve);
    const timer = setTimeout(
      settle(() => reject(new Stalled())),
      within,
    );
    call.once('drain', goOn);
    signal.addEventListener('abort', goOn, { once: true });
    if (signal.aborted) goOn();
  });
}

type Read = { readonly input: { readonly after?: string } } | { readonly error: unknown };

function tried(read: () => { after?: string }): Read {
  try {
    return { input: read() };
  } catch (error) {
    return { error };
  }
}
