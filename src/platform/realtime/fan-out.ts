import type { WireEntry } from './stream-frame.ts';

/** What one process tells the others of a stream. Without entries: something was added, read it. */
export interface News {
  /** `<channel>/<key>` */
  readonly stream: string;
  readonly entries: readonly WireEntry[];
}

/**
 * Carries news between processes, at most once: what is lost on the way is found missing by its number, or by the next
 * look at the head of the stream.
 */
export interface FanOut {
  /** Tells the other processes. Never throws, never waits. */
  publish(news: readonly News[]): void;
  /** From now on this process wants news of the stream. */
  follow(stream: string): void;
  unfollow(stream: string): void;
  close(): Promise<void>;
}

/** Called with news of other processes. */
export type OnNews = (news: News) => void;

/** For the only process that works on a database. */
export const noFanOut: FanOut = {
  publish: () => {},
  follow: () => {},
  unfollow: () => {},
  close: async () => {},
};
