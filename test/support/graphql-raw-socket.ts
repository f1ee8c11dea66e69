import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { RunningApp } from './app.ts';

/** A socket that says what it is told to. */
export interface Raw {
  readonly ws: WebSocket;
  readonly heard: any[];
  readonly closed: Promise<number>;
  send(message: unknown): void;
}

/** Connected, and nothing said yet. */
export function connect(to: RunningApp, headers: Record<string, string> = {}): Raw {
  const ws = new WebSocket(`${to.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', { headers });
  const heard: any[] = [];
  ws.on('message', (data) => heard.push(JSON.parse(data.toString())));
  ws.on('error', () => {});
  const closed = new Promise<number>((resolve) => ws.once('close', resolve));
  return { ws, heard, closed, send: (message) => ws.send(typeof message === 'string' ? message : JSON.stringify(message)) };
}

/** Signed in. */
export async function open(to: RunningApp, token: string): Promise<Raw> {
  const raw = connect(to);
  await once(raw.ws, 'open');
  raw.send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
  await once(raw.ws, 'message');
  return raw;
}
