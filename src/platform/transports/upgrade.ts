import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { MalformedRequest, UpgradeRequired } from '../contract/platform.problems.ts';
import { Problem } from '../contract/problem.ts';

const UPGRADE = Symbol('fondasi:upgrade');

/** How long the other side may take to hang up after an answer over HTTP, in milliseconds. */
const LINGER = 1_000;

interface Upgrade {
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** A request that asks for another protocol, while it is still HTTP. */
export interface UpgradeRequest extends Upgrade {
  readonly request: IncomingMessage;
}

type WithUpgrade = IncomingMessage & { [UPGRADE]?: Upgrade | undefined };

/**
 * Sends requests for a WebSocket through the same routes and hooks as any other, so that the edge's rules hold for
 * them. A route that serves one calls {@link takeUpgrade}; any other answers over HTTP, and the connection is closed.
 * A wish for any other protocol is ignored, as RFC 9110, section 7.8, allows: curl offers HTTP/2 with every request.
 */
export function routeUpgrades(app: FastifyInstance): void {
  const server = app.server as Server & { shouldUpgradeCallback: (request: IncomingMessage) => boolean };
  server.shouldUpgradeCallback = asksForWebSocket;
  server.on('upgrade', (request: WithUpgrade, socket: Duplex, head: Buffer) => {
    socket.on('error', destroy);
    // A Node.js that does not ask first (before 24.9) hands over every wish, and has stopped to read a body.
    if (!asksForWebSocket(request)) return void socket.destroy();
    request[UPGRADE] = { socket, head };
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket as never);
    response.once('finish', hangUp);
    app.routing(request, response);
  });
}

/** Without a body: one could not be told from what the other protocol says. */
function asksForWebSocket({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    headers['transfer-encoding'] === undefined &&
    (headers['content-length'] ?? '0') === '0'
  );
}

/** Has no closure, because it stays for as long as the connection does. */
function destroy(this: Duplex) {
  this.destroy();
}

/** What Node does after an answer to a request of its own. */
function hangUp(this: ServerResponse) {
  const socket = this.socket!;
  this.detachSocket(socket);
  socket.end();
  setTimeout(() => socket.destroy(), LINGER).unref();
  this.emit('close');
}

/**
 * Whether the request is a whole handshake (RFC 6455, section 4.2.1) that offers the subprotocol.
 * @throws Problem UpgradeRequired for plain HTTP, MalformedRequest for half a handshake
 */
export function checkHandshake({ raw, headers }: FastifyRequest, reply: FastifyReply, subprotocol: string): void {
  if (!(raw as WithUpgrade)[UPGRADE]) {
    // A header of the connection, which HTTP/2 does not have.
    if (raw.httpVersionMajor === 1) reply.header('upgrade', 'websocket');
    throw new Problem(UpgradeRequired);
  }
  if (headers['sec-websocket-version'] !== '13') {
    reply.header('sec-websocket-version', '13');
    throw new Problem(UpgradeRequired, 'Speak version 13 of the WebSocket protocol');
  }
  if (!/^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? ''))
    throw new Problem(MalformedRequest, 'The header "sec-websocket-key" is no key of 16 bytes');
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  if (!offered.includes(subprotocol)) throw new Problem(MalformedRequest, `Offer the subprotocol "${subprotocol}"`);
  if (new Set(offered).size < offered.length) throw new Problem(MalformedRequest, 'A subprotocol is offered twice');
}

/** Takes the connection away from HTTP, for whoever speaks the other protocol; undefined where none was asked for. */
export function takeUpgrade(request: FastifyRequest, reply: FastifyReply): UpgradeRequest | undefined {
  const raw = request.raw as WithUpgrade;
  const upgrade = raw[UPGRADE];
  if (!upgrade) return undefined;
  raw[UPGRADE] = undefined;
  reply.hijack();
  reply.raw.detachSocket(upgrade.socket as never);
  // The request ends here, as far as HTTP, its log and its metrics are concerned.
  reply.raw.statusCode = 101;
  reply.raw.emit('close');
  return { request: raw, ...upgrade };
}
