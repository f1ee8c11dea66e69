/** A span of time: `10s`, `5m`, `1h`, `1d`. */
export type Window = `${number}${'s' | 'm' | 'h' | 'd'}`;

const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;

export function windowSeconds(window: Window): number {
  const seconds = Number(window.slice(0, -1)) * SECONDS[window.at(-1) as keyof typeof SECONDS];
  if (!(seconds > 0)) throw new Error(`"${window}" is no span of time; write for example 10s, 5m, 1h or 1d`);
  return seconds;
}

/** At most `points` calls in a window, counted for each caller or for each network address. */
export interface Limit {
  readonly per: 'caller' | 'address';
  readonly points: number;
  readonly seconds: number;
}

/** Counted per person or API key; a caller without a token is counted by address. */
export const perCaller = (points: number, window: Window): Limit => ({ per: 'caller', points, seconds: windowSeconds(window) });
/** Counted per network address, whoever calls. */
export const perAddress = (points: number, window: Window): Limit => ({ per: 'address', points, seconds: windowSeconds(window) });

/** What an operation has when its contract says nothing. */
export const DEFAULT_LIMIT = perCaller(600, '1m');
