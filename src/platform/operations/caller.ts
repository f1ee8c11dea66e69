import { DEFAULT_ORGANIZATION, type PermissionDefinition, type Role } from '../contract/access.ts';

/** What a verified access token says. */
export interface Principal {
  readonly personId: string;
  readonly organizationId: string;
  readonly roles: readonly Role[];
  readonly sessionId: string;
  /** When the person last proved themselves, seconds since 1970. */
  readonly authenticatedAt: number;
  /** When the token ends, seconds since 1970. */
  readonly expiresAt: number;
}

/** How a call came in; `call` is from another module. */
export const TRANSPORTS = ['rest', 'graphql', 'grpc', 'websocket', 'sse', 'mcp', 'call'] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** Where a call comes from and until when its answer is awaited. */
export interface Origin {
  readonly requestId: string;
  /** Network address of the client, as far as trusted proxies tell it. */
  readonly address: string;
  readonly transport: Transport;
  /** Fastify's request and reply, where one HTTP request is one call. */
  readonly native?: { readonly request: unknown; readonly reply: unknown };
  /** Who it turned out to be, once the pipeline knows; for the transport's log. */
  caller?: Caller;
}

/** Who asks. Made by the pipeline from verified credentials; trusted from there on. */
export class Caller {
  readonly kind: 'anonymous' | 'person' | 'service';
  readonly principal: Principal | undefined;
  /** The module that calls on its own behalf. */
  readonly service: string | undefined;
  readonly origin: Origin;
  /** Milliseconds since 1970 after which nobody waits for the answer. */
  readonly deadline: number;
  /** Aborted when the caller calls it off; absent where the protocol can't tell. */
  readonly signal: AbortSignal | undefined;

  constructor(
    kind: Caller['kind'],
    origin: Origin,
    deadline: number,
    principal?: Principal,
    service?: string,
    signal?: AbortSignal,
  ) {
    this.kind = kind;
    this.origin = origin;
    this.deadline = deadline;
    this.principal = principal;
    this.service = service;
    this.signal = signal;
  }

  /** Id of the person; throws for a caller that is none: guard it with an access rule. */
  get personId(): string {
    return this.required().personId;
  }

  /** Organization that the call is about. */
  get organizationId(): string {
    return this.required().organizationId;
  }

  get roles(): readonly Role[] {
    return this.principal?.roles ?? [];
  }

  may(permission: PermissionDefinition): boolean {
    if (this.kind === 'service') return true;
    if (permission.installation && this.principal?.organizationId !== DEFAULT_ORGANIZATION) return false;
    return this.roles.some((role) => permission.roles.includes(role));
  }

  /** The same request, made by a module on its own behalf; a person's principal goes along for the record. */
  asService(module: string): Caller {
    return new Caller('service', this.origin, this.deadline, this.principal, module, this.signal);
  }

  /** As it goes along on a call to another module: no rate limit counts it again, and there is no HTTP request behind it. */
  forwarded(): Caller {
    if (this.origin.transport === 'call') return this;
    const { requestId, address } = this.origin;
    const origin = { requestId, address, transport: 'call' } as const;
    return new Caller(this.kind, origin, this.deadline, this.principal, this.service, this.signal);
  }

  private required(): Principal {
    if (!this.principal) throw new Error(`a ${this.kind} caller has no person`);
    return this.principal;
  }
}

/** A module that acts without a request: a job, a start-up step. */
export const serviceCaller = (module: string, requestId: string, deadline = Date.now() + 30_000) =>
  new Caller('service', { requestId, address: 'internal', transport: 'call' }, deadline, undefined, module);
