import { GRAPHQL_TRANSPORT_WS_PROTOCOL } from 'graphql-ws';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type WebSocket, WebSocketServer } from 'ws';
import { TooManyRequests, Unavailable } from '../../contract/platform.problems.ts';
import { Problem } from '../../contract/problem.ts';
import { randomHex } from '../../observability/request-context.ts';
import type { HeldByAddress } from '../../security/held-by-address.ts';
import { takeUpgrade } from '../upgrade.ts';
import { graphqlProtocol, type ProtocolParts } from './protocol.ts';
import { GraphqlSocket, type SocketLimits } from './socket.ts';

export interface SocketsLimits extends SocketLimits {
  /** The largest message, in bytes. */
  readonly bodyLimit: number;
  /** The WebSockets of each address, those of other protocols among them. */
  readonly byAddress: HeldByAddress;
}

const HEARTBEAT_MS = 30_000;
const SWEEP_MS = 1_000;
const FRAGMENTS = 64;
/** How long clients may take to go when the process stops. */
const DRAIN_MS = 2_000;

/** Everybody who is connected: looked after, and sent away when the process stops. */
export class GraphqlSockets {
  private readonly server: WebSocketServer;
  private readonly protocol: ReturnType<typeof graphqlProtocol>;
  private readonly report: ProtocolParts['report'];
  private readonly limits: SocketsLimits;
  private readonly open = new Set<GraphqlSocket>();
  private readonly heartbeat: NodeJS.Timeout;
  private readonly sweeper: NodeJS.Timeout;
  private stopping = false;

  constructor(parts: ProtocolParts, limits: SocketsLimits) {
    this.protocol = graphqlProtocol(parts);
    this.report = parts.report;
    this.limits = limits;
    this.server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: limits.bodyLimit,
      maxFragments: FRAGMENTS,
      closeTimeout: DRAIN_MS,
      handleProtocols: () => GRAPHQL_TRANSPORT_WS_PROTOCOL,
    } as ConstructorParameters<typeof WebSocketServer>[0]);
    this.heartbeat = setInterval(() => this.open.forEach((socket) => socket.beat()), HEARTBEAT_MS).unref();
    this.sweeper = setInterval(() => this.open.forEach((socket) => socket.checkUse(Date.now())), SWEEP_MS).unref();
  }

  get size(): number {
    return this.open.size;
  }

  /** @throws Problem where no more may come, from this address or at all */
  admit(address: string): void {
    if (this.stopping) throw new Problem(Unavailable, undefined, { retryAfter: 1 });
    if (this.limits.byAddress.hasMost(address))
      throw new Problem(TooManyRequests, 'This address holds too many connections', { retryAfter: 10 });
  }

  take(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const address = request.ip;
    const upgrade = takeUpgrade(request, reply)!;
    this.server.handleUpgrade(upgrade.request, upgrade.socket, upgrade.head, (ws) => this.add(ws, address));
    return reply;
  }

  /** Sends all away to another process. Who has not gone in time is cut off. */
  async close(): Promise<void> {
    this.stopping = true;
    clearInterval(this.heartbeat);
    clearInterval(this.sweeper);
    const leaving = [...this.open];
    const gone = Promise.all(leaving.map(({ closed }) => closed));
    for (const socket of leaving) socket.leave('process');
    const force = setTimeout(() => leaving.forEach((socket) => socket.terminate()), DRAIN_MS);
    await gone;
    clearTimeout(force);
  }

  private add(ws: WebSocket, address: string) {
    const socket = new GraphqlSocket(ws, address, this.limits);
    this.limits.byAddress.take(address);
    this.open.add(socket);
    socket.serve(this.protocol, (error) => this.report(error, randomHex(8)));
    void socket.closed.then(() => {
      this.open.delete(socket);
      this.limits.byAddress.release(address);
    });
  }
}
