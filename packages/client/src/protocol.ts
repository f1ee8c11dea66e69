import type { ProblemBody, ProblemError } from './problem.ts';

/** What the client needs of a WebSocket: the browser's, or Node's own. */
export type WebSocketClass = new (url: string, protocol: string) => WebSocket;

/** What the server says; see the guide to the protocol `v1.json`. */
export type ServerMessage =
  | { type: 'ready'; expiresIn: number; heartbeat: number }
  | { type: 'answer'; id: number; output?: unknown }
  | { type: 'problem'; id?: number; problem: ProblemBody; retryAfter?: number }
  | { type: 'subscribed'; id: number; stream: string; cursor: string; reset: boolean }
  | { type: 'event'; stream: string; cursor: string; item: unknown }
  | { type: 'reset'; stream: string; cursor: string }
  | { type: 'ended'; stream: string; problem?: ProblemBody }
  | { type: 'expiring'; seconds: number; stream?: string }
  | { type: 'pong' };

/** Told of what comes over the connection, and of its coming and going. */
export interface OnSocket {
  /** Signed in, or signed in anew: subscriptions may be made. */
  ready(): void;
  away(): void;
  message(message: ServerMessage): void;
  /** It will not come back. */
  failed(error: ProblemError): void;
}

export const SUBPROTOCOL = 'v1.json';

/** The server will not take this client again, whatever it does. */
export const FINAL: ReadonlySet<number> = new Set([1002, 1003, 1007, 1008, 1009, 4400, 4429]);
export const UNAUTHENTICATED = 4401;
/** The server stops, or is gone, for all its clients at once. */
export const GONE: ReadonlySet<number> = new Set([1006, 1012]);
