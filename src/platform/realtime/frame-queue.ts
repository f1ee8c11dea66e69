import { SubscriberTooSlow } from '../contract/platform.problems.ts';
import { Problem } from '../contract/problem.ts';
import type { Sink, Subscription } from './bound-channel.ts';
import type { Batch, Frame } from './frame.ts';

/** A frame without an item says where the stream stands; with `reset`, that what came before it was left out. */
export interface QueuedFrame {
  readonly cursor: string;
  readonly reset: boolean;
  readonly frame: Frame | undefined;
}

/** Frames that may wait for a reader who doesn't come. */
const MOST = 1_000;

/**
 * A subscription as an async iterable, for protocols that pull. First comes a frame without an item.
 * Ends without a word when this process stops or `signal` is aborted. A reader who falls too far behind gets SubscriberTooSlow.
 * @throws Problem that ended the subscription
 */
export async function* framesOf(subscription: Subscription, signal?: AbortSignal): AsyncGenerator<QueuedFrame, void, void> {
  const queue: QueuedFrame[] = [{ cursor: subscription.cursor, reset: subscription.reset, frame: undefined }];
  let over: { problem: Problem | undefined } | undefined;
  let wake: (() => void) | undefined;
  const end = (problem?: Problem) => {
    over ??= { problem };
    wake?.();
  };
  const push = (frame: QueuedFrame) => {
    if (over) return;
    if (queue.length >= MOST) {
      subscription.close();
      end(new Problem(SubscriberTooSlow));
    } else queue.push(frame);
    wake?.();
  };
  const sink: Sink = {
    deliver: (batch: Batch) => {
      for (const frame of batch.frames) push({ cursor: frame.cursor, reset: false, frame });
    },
    reset: (cursor) => push({ cursor, reset: true, frame: undefined }),
    end,
  };
  const abort = () => end();
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted) abort();
  try {
    subscription.start(sink);
    while (true) {
      while (queue.length > 0) {
        if (signal?.aborted) return;
        yield queue.shift()!;
      }
      if (over) break;
      await new Promise<void>((resolve) => (wake = resolve));
    }
    if (over.problem) throw over.problem;
  } finally {
    signal?.removeEventListener('abort', abort);
    subscription.close();
  }
}
