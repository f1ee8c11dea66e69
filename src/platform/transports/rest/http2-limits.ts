import { constants, type Http2SecureServer, type Http2Session, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Reports } from './edge.ts';

const IDLE_MS = 72_000;

/** What Node's HTTP/1 server does by itself and its HTTP/2 server does not: end slow requests, idle sessions, and all of it at a stop. */
export function limitHttp2(app: FastifyInstance, requestTimeout: number, log: Reports): void {
  const server = app.server as unknown as Http2SecureServer;
  const sockets = keep<Socket>();
  const sessions = keep<Http2Session>();
  server.on('secureConnection', sockets.add);
  server.on('session', (session) => {
    sessions.add(session);
    session.setTimeout(IDLE_MS, () => session.close());
  });
  server.on('stream', (stream: ServerHttp2Stream) => {
    if (stream.endAfterHeaders) return;
    const timer = setTimeout(() => {
      log.warn({ code: 'ERR_HTTP_REQUEST_TIMEOUT', address: stream.session?.socket.remoteAddress }, 'connection refused');
      stream.close(constants.NGHTTP2_CANCEL);
    }, requestTimeout);
    const arrived = () => clearTimeout(timer);
    stream.once('end', arrived).once('close', arrived);
  });
  // Streams that are under way end; nothing new begins.
  app.addHook('preClose', async () => sessions.each((session) => session.close()));
  Object.assign(server, { closeAllConnections: () => sockets.each((socket) => socket.destroy()) });
}

/** Things that are open, each until it closes. */
function keep<T extends { once(event: 'close', listener: () => void): unknown }>() {
  const open = new Set<T>();
  return {
    add: (item: T) => {
      open.add(item);
      item.once('close', () => open.delete(item));
    },
    each: (work: (item: T) => void) => open.forEach(work),
  };
}
