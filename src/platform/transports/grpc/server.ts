import type { Http2Server } from 'node:http2';
import {
  logVerbosity,
  type ServiceDefinition,
  Server,
  ServerCredentials,
  setLogVerbosity,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { service as healthService } from 'grpc-health-check';
import type { Config } from '#config/config';
import { isForOutside } from '../../contract/access.ts';
import type { Health } from '../../observability/health.ts';
import type { ProcessLog } from '../../observability/logger.ts';
import type { Metrics } from '../../observability/metrics.ts';
import type { RequestRoute } from '../../observability/request-log.ts';
import type { Served } from '../../operations/operations.ts';
import type { RateLimits } from '../../security/rate-limits.ts';
import type { Refusals } from '../../security/refusals.ts';
import { GrpcEdge } from './edge.ts';
import { Failure } from './failure.ts';
import { fileDescriptors } from './file-descriptor.ts';
import { GrpcHealth } from './health.ts';
import { listenGrpc } from './listen.ts';
import { MessageReader } from './message-reader.ts';
import { MessageWriter } from './message-writer.ts';
import type { ProtoDocument } from './proto-document.ts';
import { overGrpc } from './proto-model.ts';
import { channelMethod, methodPath, operationMethod, PROTO_PACKAGE } from './proto-names.ts';
import { subscriptionHandler } from './subscription.ts';
import { type HandlerParts, unaryHandler } from './unary.ts';

export interface GrpcParts {
  readonly config: Config;
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  readonly served: Served;
  readonly document: ProtoDocument;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly limits: RateLimits;
  readonly refusals: Refusals;
  readonly log: ProcessLog;
}

/** How long calls that are running may take to end when the process stops. */
const DRAIN_MS = 10_000;

const bytes = (message: Buffer) => message;

/** The whole of gRPC, listening. */
export interface GrpcServing {
  readonly port: number;
  close(): Promise<void>;
}

/** @throws StartError when the port can't be had */
export async function serveGrpc(parts: GrpcParts): Promise<GrpcServing> {
  const { config, tls, served, document, health } = parts;
  // What it would print is thrown as well, or nobody's business here.
  setLogVerbosity(logVerbosity.NONE);
  const routes = new Map<string, RequestRoute>();
  const edge = new GrpcEdge({
    routes,
    trustProxy: config.TRUST_PROXY,
    requestTimeout: config.REQUEST_TIMEOUT,
    publicUrl: config.PUBLIC_URL,
    ...parts,
  });
  const server = new Server(limitsOf(config));
  const handlers: HandlerParts = {
    edge,
    reader: new MessageReader(document.lock),
    writer: new MessageWriter(document.lock),
    failure: new Failure(parts.log.logger, config.PUBLIC_URL),
    requestTimeout: config.REQUEST_TIMEOUT,
  };
  addMethods(server, served, handlers, routes);
  const healthOf = new GrpcHealth(
    health,
    document.model.services.map(({ name }) => `${PROTO_PACKAGE}.${name}`),
    edge,
  );
  add(server, routes, healthService as unknown as ServiceDefinition, healthOf.implementation);
  if (config.API_DOCS) addReflection(server, routes, document.text);
  try {
    const credentials = tls
      ? ServerCredentials.createSsl(null, [{ cert_chain: tls.cert, private_key: tls.key }])
      : ServerCredentials.createInsecure();
    const port = await listenGrpc(server, config, credentials, (http2) => edge.guard(http2 as Http2Server));
    return { port, close: () => close(server, edge, healthOf) };
  } catch (error) {
    edge.close();
    server.forceShutdown();
    throw error;
  }
}

/** What gRPC's server enforces by itself. */
const limitsOf = ({ BODY_LIMIT }: Config) => ({
  'grpc.enable_channelz': 0,
  'grpc.max_receive_message_length': BODY_LIMIT,
  'grpc.max_concurrent_streams': 250,
  'grpc.keepalive_time_ms': 60_000,
  'grpc.keepalive_timeout_ms': 20_000,
  'grpc.max_connection_idle_ms': 5 * 60_000,
  // Clients that stay for ever would never notice a new process.
  'grpc.max_connection_age_ms': 60 * 60_000,
  'grpc.max_connection_age_grace_ms': 15 * 60_000,
});

function addMethods(server: Server, served: Served, parts: HandlerParts, routes: Map<string, RequestRoute>) {
  const definition: Record<string, ServiceDefinition[string]> = {};
  const implementation: UntypedServiceImplementation = {};
  const method = (path: string, operation: string, responseStream: boolean, handler: UntypedServiceImplementation[string]) => {
    routes.set(path, { operation, transport: 'grpc', method: 'POST', path });
    // Bytes go in and out: what they mean is looked at once the caller may call.
    definition[path] = {
      path,
      requestStream: false,
      responseStream,
      requestSerialize: bytes,
      requestDeserialize: bytes,
      responseSerialize: bytes,
      responseDeserialize: bytes,
    };
    implementation[path] = handler;
  };
  for (const operation of served.operations) {
    const { contract } = operation;
    if (!overGrpc(contract)) continue;
    method(methodPath(contract.module, operationMethod(contract.name)), contract.name, false, unaryHandler(operation, parts));
  }
  for (const channel of served.channels) {
    if (!isForOutside(channel.contract)) continue;
    const { module, name } = channel.contract;
    method(methodPath(module, channelMethod(name)), name, true, subscriptionHandler(channel, parts));
  }
  if (Object.keys(definition).length > 0) server.addService(definition, implementation);
}

/** A service of gRPC's own, which no contract knows. */
function add(
  server: Pick<Server, 'addService'>,
  routes: Map<string, RequestRoute>,
  definition: ServiceDefinition,
  implementation: UntypedServiceImplementation,
) {
  for (const { path } of Object.values(definition)) routes.set(path, { transport: 'grpc', method: 'POST', path });
  server.addService(definition, implementation);
}

/** For tools without the .proto. */
function addReflection(server: Server, routes: Map<string, RequestRoute>, text: string) {
  const adding: Pick<Server, 'addService'> = {
    addService: (definition, implementation) => add(server, routes, definition, implementation),
  };
  const files = { fileDescriptorProtos: fileDescriptors(text) };
  new ReflectionService({ [PROTO_PACKAGE]: files } as never).addToServer(adding);
}

/** No new calls, the running ones to their end, subscriptions at once; then whatever still holds on is cut off. */
async function close(server: Server, edge: GrpcEdge, health: GrpcHealth): Promise<void> {
  health.stop();
  edge.stopSubscriptions();
  const force = setTimeout(() => server.forceShutdown(), DRAIN_MS);
  await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  clearTimeout(force);
  edge.close();
}
