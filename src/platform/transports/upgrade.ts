import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

const UPGRADE = Symbol('fondasi:upgrade');

interface Upgrade {
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** A request that asks for another protocol, while it is still HTTP. */
export interface UpgradeRequest extends Upgrade {
  readonly request: IncomingMessage;
}

type WithUpgrade = IncomingMessage & { [UPGRADE]?: Upgrade };

/**
 * Sends requests for another protocol through the same routes and hooks as any other, so that the edge's rules hold for
 * them. A route that serves one calls {@link takeUpgrade}; any other answers over HTTP, and the connection is closed.
 */
export function routeUpgrades(app: FastifyInstance): void {
  app.server.on('upgrade', (request: WithUpgrade, socket: Duplex, head: Buffer) => {
    request[UPGRADE] = { socket, head };
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket as never);
    response.once('finish', () => socket.end());
    socket.on('error', () => socket.destroy());
    app.routing(request, response);
  });
}

/** Takes the connection away from HTTP, for whoever speaks the other protocol; undefined where none was asked for. */
export function takeUpgrade(request: FastifyRequest, reply: FastifyReply): UpgradeRequest | undefined {
  const upgrade = (request.raw as WithUpgrade)[UPGRADE];
  if (!upgrade) return undefined;
  reply.hijack();
  reply.raw.detachSocket(upgrade.socket as never);
  return { request: request.raw as IncomingMessage, ...upgrade };
}
