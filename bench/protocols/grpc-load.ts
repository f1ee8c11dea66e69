import { Client, credentials, Metadata } from '@grpc/grpc-js';
import type { LoadResult } from '../load.ts';

export interface GrpcCall {
  readonly message: Buffer;
  readonly token: string | undefined;
}

export interface GrpcPlace {
  readonly port: number;
  /** Path of the method. */
  readonly method: string;
}

const CHANNELS = 4;
const bytes = (message: Buffer) => message;

/** gRPC's own client, which costs more than the server that it asks: messages are bytes already, so that it is no slower than it has to be. */
export class GrpcLoad {
  private readonly channels: readonly Client[];
  private readonly method: string;
  private readonly calls: readonly (GrpcCall & { readonly metadata: Metadata })[];

  constructor({ port, method }: GrpcPlace, calls: readonly GrpcCall[]) {
    const options = { 'grpc.enable_retries': 0, 'grpc.use_local_subchannel_pool': 1 };
    this.method = method;
    this.channels = Array.from(
      { length: CHANNELS },
      () => new Client(`127.0.0.1:${port}`, credentials.createInsecure(), options),
    );
    this.calls = calls.map((call) => {
      const metadata = new Metadata();
      if (call.token !== undefined) metadata.set('authorization', `Bearer ${call.token}`);
      return { ...call, metadata };
    });
  }

  async run(lanes: number, seconds: number): Promise<LoadResult> {
    const started = performance.now();
    const deadline = started + seconds * 1_000;
    const refused = new Map<number, number>();
    let requests = 0;
    const lane = async (channel: Client) => {
      while (performance.now() < deadline) {
        const code = await this.call(channel, requests++ % this.calls.length);
        if (code !== 0) refused.set(code, (refused.get(code) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: lanes }, (_, number) => lane(this.channels[number % CHANNELS]!)));
    return { requests, refused, seconds: (performance.now() - started) / 1_000 };
  }

  close(): void {
    for (const channel of this.channels) channel.close();
  }

  /** The status that gRPC gives, 0 for success. */
  private call(channel: Client, number: number): Promise<number> {
    const { message, metadata } = this.calls[number]!;
    return new Promise((resolve) => {
      channel.makeUnaryRequest(this.method, bytes, bytes, message, metadata, (error) => resolve(error?.code ?? 0));
    });
  }
}
