import type { Http2SecureServer, Http2Server } from 'node:http2';
import type { Server, ServerCredentials } from '@grpc/grpc-js';
import type { Config } from '#config/config';
import { StartError } from '../../start-error.ts';

/** What gRPC's server keeps to itself, and the edge has to have. A test fails where a new version names it otherwise. */
interface Internals {
  /** Options of Node's HTTP/2 server. */
  readonly commonServerOptions: Record<string, unknown>;
  createHttp2Server(credentials: ServerCredentials): Http2Server | Http2SecureServer;
}

/** Limits of the HTTP/2 layer that gRPC's server leaves at their defaults, or takes away. */
const HTTP2_LIMITS = {
  // Megabytes per connection, of headers and of frames that wait.
  maxSessionMemory: 20,
  maxHeaderListPairs: 64,
  maxSessionInvalidFrames: 100,
  // Streams that are opened and reset at once cost the server more than the client: so many at a time, so many per second.
  streamResetBurst: 500,
  streamResetRate: 33,
  handshakeTimeout: 15_000,
  unknownProtocolTimeout: 10_000,
};
const MOST_METADATA = 16_384;

/**
 * Opens the port. `guard` gets each HTTP/2 server before it listens.
 * @returns the port
 * @throws StartError when it can't be had
 */
export async function listenGrpc(
  server: Server,
  { HOST, GRPC_PORT }: Pick<Config, 'HOST' | 'GRPC_PORT'>,
  credentials: ServerCredentials,
  guard: (server: Http2Server | Http2SecureServer) => void,
): Promise<number> {
  const internals = server as unknown as Internals;
  const settings = internals.commonServerOptions['settings'] as object;
  Object.assign(internals.commonServerOptions, HTTP2_LIMITS, { settings: { ...settings, maxHeaderListSize: MOST_METADATA } });
  const create = internals.createHttp2Server.bind(server);
  internals.createHttp2Server = (given) => {
    const made = create(given);
    guard(made);
    return made;
  };
  const host = HOST.includes(':') ? `[${HOST}]` : HOST;
  return new Promise((resolve, reject) => {
    server.bindAsync(`${host}:${GRPC_PORT}`, credentials, (error, port) => {
      if (error) reject(startError(error, HOST, GRPC_PORT));
      else resolve(port);
    });
  });
}

function startError(error: Error, host: string, port: unknown): Error {
  const code = /\b(EADDRINUSE|EACCES|EADDRNOTAVAIL|ENOTFOUND)\b/.exec(error.message)?.[1];
  if (code === 'EADDRINUSE')
    return new StartError(`Port ${port} is in use: stop what uses it, or set GRPC_PORT to another one, or to off for no gRPC.`);
  if (code === 'EACCES')
    return new StartError(
      `Port ${port} takes more rights than this user has: set GRPC_PORT to 1024 or above, or to off for no gRPC.`,
    );
  if (code !== undefined)
    return new StartError(`${host} is no address of this machine: set HOST to one that is, such as 127.0.0.1 or 0.0.0.0.`);
  return error;
}
