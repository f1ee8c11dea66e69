import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { lockIn, PLATFORM_LOCK } from './lock-file.ts';
import { type ProtoDocument, protoDocument } from './proto-document.ts';
import type { GrpcParts, GrpcServing } from './server.ts';

/** gRPC of this process, where it has a port. What it takes is loaded only then. */
@Injectable()
export class GrpcEndpoint implements BeforeApplicationShutdown {
  private readonly logger = new Logger(GrpcEndpoint.name);
  private parts: GrpcParts | undefined;
  private serving: GrpcServing | undefined;

  /**
   * Prepares what `listen` will serve.
   * @returns the document that clients are made from; undefined where gRPC is off
   */
  prepare(parts: Omit<GrpcParts, 'document'>, lock: string | URL = PLATFORM_LOCK): ProtoDocument | undefined {
    const { config, served } = parts;
    if (config.GRPC_PORT === 'off') return undefined;
    const document = protoDocument(
      served.operations.map(({ contract }) => contract),
      served.channels.map(({ contract }) => contract),
      lockIn(lock),
    );
    const { length } = document.unpinned;
    if (length > 0)
      this.logger.warn(
        `${length} protobuf numbers are not pinned and may change (the first: ${document.unpinned[0]}): write them with lockProto().`,
      );
    this.parts = { ...parts, document };
    return document;
  }

  /**
   * Opens the port; undefined where gRPC is off.
   * @throws StartError when it can't be had
   */
  async listen(): Promise<number | undefined> {
    if (!this.parts) return undefined;
    const { serveGrpc } = await import('./server.ts');
    this.serving = await serveGrpc(this.parts);
    return this.serving.port;
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.serving?.close();
  }
}
