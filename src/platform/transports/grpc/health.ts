import type { sendUnaryData, ServerUnaryCall, ServerWritableStream, UntypedServiceImplementation } from '@grpc/grpc-js';
import { Metadata, status as Status } from '@grpc/grpc-js';
import type { Health } from '../../observability/health.ts';
import { HeldByAddress } from '../../security/held-by-address.ts';
import type { GrpcEdge } from './edge.ts';

type Serving = 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN';
type Request = { service: string };
type Response = { status: Serving };
type Watch = ServerWritableStream<Request, Response>;

/** How often watchers' answers are looked at again. */
const WATCH_MS = 1_000;
const MOST_WATCHERS = 1_000;
/** Nobody has to say who they are, and none may keep the load balancer from watching. */
const MOST_OF_AN_ADDRESS = 10;

/** grpc.health.v1: whether this process should get traffic. All services are ready together; the empty name is the whole server. */
export class GrpcHealth {
  private readonly watchers = new Map<Watch, Serving | undefined>();
  private readonly byAddress = new HeldByAddress(MOST_OF_AN_ADDRESS);
  private timer: NodeJS.Timeout | undefined;
  private readonly health: Health;
  private readonly services: ReadonlySet<string>;
  private readonly edge: GrpcEdge;

  constructor(health: Health, services: readonly string[], edge: GrpcEdge) {
    this.health = health;
    this.services = new Set(['', ...services]);
    this.edge = edge;
  }

  readonly implementation: UntypedServiceImplementation = {
    Check: (call: ServerUnaryCall<Request, Response>, respond: sendUnaryData<Response>) => void this.check(call, respond),
    Watch: (call: Watch) => this.watch(call),
  };

  /** Watchers are told, and their streams end. */
  stop(): void {
    clearInterval(this.timer);
    for (const [call] of this.watchers) {
      this.edge.callOf(call.metadata)?.end(200);
      call.write({ status: 'NOT_SERVING' });
      call.end();
    }
    this.watchers.clear();
  }

  private async check(call: ServerUnaryCall<Request, Response>, respond: sendUnaryData<Response>): Promise<void> {
    const incoming = this.edge.callOf(call.metadata);
    incoming.arrived(call.getDeadline());
    if (!this.services.has(call.request.service)) {
      incoming.end(404);
      return respond({ code: Status.NOT_FOUND, details: 'There is no such service', metadata: new Metadata() });
    }
    const status = await this.serving();
    incoming.end(200);
    respond(null, { status });
  }

  private watch(call: Watch): void {
    const incoming = this.edge.callOf(call.metadata);
    incoming.arrived(call.getDeadline());
    // Gone while its message was read: nobody would tell when.
    if (incoming.stream.destroyed) return;
    const { address } = incoming.origin;
    if (this.watchers.size >= MOST_WATCHERS || this.byAddress.hasMost(address)) {
      incoming.end(429);
      call.emit('error', { code: Status.RESOURCE_EXHAUSTED, details: 'Too many watch already' });
      return;
    }
    this.watchers.set(call, undefined);
    this.byAddress.take(address);
    // However it ends: called off, or gone with its connection.
    incoming.stream.once('close', () => {
      this.watchers.delete(call);
      this.byAddress.release(address);
    });
    this.timer ??= setInterval(() => void this.tell(), WATCH_MS).unref();
    void this.tell();
  }

  private async tell(): Promise<void> {
    if (this.watchers.size === 0) {
      clearInterval(this.timer);
      this.timer = undefined;
      return;
    }
    const now = await this.serving();
    for (const [call, told] of this.watchers) {
      const status = this.services.has(call.request.service) ? now : 'SERVICE_UNKNOWN';
      if (status === told) continue;
      this.watchers.set(call, status);
      call.write({ status });
    }
  }

  private async serving(): Promise<Serving> {
    return (await this.health.ready()).status === 200 ? 'SERVING' : 'NOT_SERVING';
  }
}
