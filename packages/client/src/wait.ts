import { aborted } from './problem.ts';

/** @throws ProblemError `client/aborted` */
export function wait(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(aborted(signal.reason));
    const stop = () => {
      clearTimeout(timer);
      reject(aborted(signal!.reason));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/** Longer with each try, and not the same for all clients: a server that comes back is not run down. */
export const backoff = (tries: number, first = 250, most = 15_000): number =>
  Math.min(most, first * 2 ** tries) * (0.5 + Math.random() / 2);
