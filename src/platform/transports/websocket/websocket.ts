import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { type ServerOptions, WebSocketServer } from 'ws';
import type { Config } from '#config/config';
import { isForOutside, signedIn } from '../../contract/access.ts';
import type { BoundOperation } from '../../operations/bound-operation.ts';
import type { BoundChannel } from '../../realtime/bound-channel.ts';
import { bearerOrCookie } from '../credentials.ts';
import { jsonParser } from '../json-parser.ts';
import { checkOrigin } from '../page-origin.ts';
import type { HttpParts } from '../rest/http.ts';
import { checkHandshake, takeUpgrade } from '../upgrade.ts';
import { authenticate } from './authentication.ts';
import type { Behind, Named } from './behind.ts';
import { ConnectedSocket, Connection } from './connection.ts';
import { Connections } from './connections.ts';
import { AUTH_SECONDS, CLOSE, CLOSE_MS, HEARTBEAT_SECONDS, MOST_FRAGMENTS, PATH, SUBPROTOCOL } from './protocol.ts';
import { Turns } from './turns.ts';

/** After a restart all clients come at once; each costs half a millisecond until it has what it missed. */
const UPGRADES_PER_TURN = 2;
/** How long clients may take to go when the process stops; below what the process itself waits. */
const DRAIN_MS = 8_000;

export type WebSocketSettings = Pick<Config, 'BODY_LIMIT' | 'CORS_ORIGINS' | 'SEND_BUFFER' | 'WS_MESSAGE_RATE'>;
export type WebSocketParts = Pick<HttpParts, 'served' | 'pipeline' | 'metrics' | 'log' | 'sockets'>;

/** Serves operations and channels over one WebSocket each client: see docs/guides/realtime.md. */
export function mountWebSocket(
  app: FastifyInstance,
  settings: WebSocketSettings,
  parts: WebSocketParts,
  timing: Behind['timing'] = { auth: AUTH_SECONDS * 1_000, heartbeat: HEARTBEAT_SECONDS * 1_000 },
): void {
  const { metrics, log } = parts;
  const connections = new Connections(parts.sockets);
  const traffic = { received: 0, sent: 0 };
  const behind: Behind = {
    ...named(parts),
    identify: (token, origin) => parts.pipeline.identify({ credentials: { token }, origin }, signedIn(), AUTH_SECONDS).principal!,
    refusals: app.refusals,
    log,
    parseJson: jsonParser(app),
    sendBuffer: settings.SEND_BUFFER,
    messageRate: settings.WS_MESSAGE_RATE,
    timing,
    traffic,
    onClosed: (connection, code) => {
      connections.remove(connection);
      const { address, principal, openedAt } = connection;
      const seconds = Math.round((Date.now() - openedAt) / 1_000);
      log.logger.info({ address, 'user.id': principal?.personId, code, seconds }, 'WebSocket closed');
    },
  };
  metrics.observe('websocket_connections', 'WebSocket connections that are open.', () => connections.size);
  metrics.total('websocket_messages_received_total', 'Messages that came over WebSockets.', () => traffic.received);
  metrics.total('websocket_messages_sent_total', 'Writes of messages to WebSockets.', () => traffic.sent);

  const server = new WebSocketServer<typeof ConnectedSocket>({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: settings.BODY_LIMIT,
    maxFragments: MOST_FRAGMENTS,
    closeTimeout: CLOSE_MS,
    handleProtocols: () => SUBPROTOCOL,
    WebSocket: ConnectedSocket,
  } as ServerOptions<typeof ConnectedSocket>);
  const turns = new Turns(UPGRADES_PER_TURN);
  const open = (ws: ConnectedSocket, socket: Duplex, address: string, token: string | undefined) => {
    const connection = new Connection(ws, socket, address, behind);
    connections.add(connection);
    if (token === undefined) return;
    authenticate(connection, token);
    // A browser is told why, which an answer over HTTP could not do.
    if (!connection.principal) connection.close(CLOSE.unauthenticated);
  };
  app.route({
    method: 'GET',
    url: PATH,
    exposeHeadRoute: false,
    config: { transport: 'websocket' },
    handler: async (request, reply) => {
      checkHandshake(request, reply, SUBPROTOCOL);
      checkOrigin(request, settings.CORS_ORIGINS);
      const turn = turns.next();
      if (turn) await turn;
      connections.admit(request.ip);
      const address = request.ip;
      const token = bearerOrCookie(request, settings.CORS_ORIGINS);
      const upgrade = takeUpgrade(request, reply)!;
      server.handleUpgrade(upgrade.request, upgrade.socket, upgrade.head, (ws) => open(ws, upgrade.socket, address, token));
      return reply;
    },
  });
  app.addHook('preClose', () => connections.stop(DRAIN_MS));
}

function entry<T extends BoundOperation | BoundChannel>(bound: T, method: string): [string, Named<T>] {
  const { name } = bound.contract;
  return [name, { bound, route: { operation: name, transport: 'websocket', method, path: name } }];
}

const forOutside = <T extends BoundOperation | BoundChannel>(bound: readonly T[]) =>
  bound.filter(({ contract }) => isForOutside(contract));

function named({ served }: WebSocketParts): Pick<Behind, 'operations' | 'channels'> {
  return {
    operations: new Map(forOutside(served.operations).map((bound) => entry(bound, 'CALL'))),
    channels: new Map(forOutside(served.channels).map((bound) => entry(bound, 'SUBSCRIBE'))),
  };
}
