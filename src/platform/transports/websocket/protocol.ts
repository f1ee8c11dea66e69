/** Clients offer it; another version of the protocol would be another name. */
export const SUBPROTOCOL = 'v1.json';
export const PATH = '/ws';

/** Seconds within which a connection signs in. */
export const AUTH_SECONDS = 10;
/** Seconds between two pings; who has not been heard of from one to the next is gone. */
export const HEARTBEAT_SECONDS = 30;
/** Seconds before the token's end at which the client is told to renew it. */
export const EXPIRING_SECONDS = 30;
/** Calls of a connection that may run at once; more are read when one of them has ended. */
export const MOST_IN_FLIGHT = 100;
/** Subscriptions that are made at once: each may have a lot to catch up with, which the client has to read. */
export const MOST_SUBSCRIBING = 10;
export const MOST_SUBSCRIPTIONS = 1_000;
/** Pings and pongs in a second. A client needs one in half a minute. */
export const MOST_CONTROL_FRAMES = 50;
/** Messages that are none, before the connection is closed. */
export const MOST_FAULTS = 10;
/** Frames that one message may come in. */
export const MOST_FRAGMENTS = 4_096;
/** Milliseconds that the other side may take to answer a close. */
export const CLOSE_MS = 3_000;

/** Why the server closes a connection. After a resumable one a client connects again and goes on after its last cursors. */
export interface CloseCode {
  readonly code: number;
  readonly reason: string;
  readonly resumable: boolean;
}

const close = (code: number, reason: string, resumable: boolean): CloseCode => ({ code, reason, resumable });

export const CLOSE = {
  binary: close(1003, 'Send text frames', false),
  restart: close(1012, 'This server stops: connect again', true),
  malformed: close(4400, 'Too many messages that are none', false),
  unauthenticated: close(4401, 'Sign in, or renew the token, and connect again', true),
  tooSlow: close(4408, 'You read too slowly: connect again', true),
  tooMany: close(4429, 'Too many control frames', false),
} as const;

/** Those that the WebSocket library closes with by itself. */
export const LIBRARY_CLOSE: readonly CloseCode[] = [
  close(1002, 'A frame breaks the WebSocket protocol', false),
  close(1007, 'Text is not UTF-8', false),
  close(1008, 'A message has too many fragments', false),
  close(1009, 'A message is larger than BODY_LIMIT', false),
];
