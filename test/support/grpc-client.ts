import { type ChannelCredentials, Client, credentials, Metadata, type ServiceError, type StatusObject } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import type { RunningApp } from './app.ts';
import { anonymous, type Person, someAddress } from './person.ts';

export interface GrpcAnswer {
  /** gRPC's status code; 0 for success. */
  readonly code: number;
  readonly details: string;
  /** As JSON with the names of the contract; undefined where the call failed. */
  readonly message: any;
  readonly trailers: Metadata;
  /** What google.rpc's details say, by the name of their type. */
  readonly problem: Record<string, any>;
}

export interface CallOptions {
  readonly as?: Person | undefined;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Milliseconds from now. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
  /** Put behind the message. */
  readonly extra?: Uint8Array;
}

/** What google.rpc says about a failure: a part of its published protos, written down here a second time. */
const RPC = protobuf.parse(`syntax = "proto3"; package google.rpc;
  message Any { string type_url = 1; bytes value = 2; }
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message ErrorInfo { string reason = 1; string domain = 2; map<string, string> metadata = 3; }
  message BadRequest { message FieldViolation { string field = 1; string description = 2; } repeated FieldViolation field_violations = 1; }
  message Duration { int64 seconds = 1; int32 nanos = 2; }
  message RetryInfo { Duration retry_delay = 1; }
  message RequestInfo { string request_id = 1; string serving_data = 2; }
  message Help { message Link { string description = 1; string url = 2; } repeated Link links = 1; }`).root;

function problemOf(trailers: Metadata): Record<string, any> {
  const [bytes] = trailers.get('grpc-status-details-bin') as Buffer[];
  if (!bytes) return {};
  const status: any = RPC.lookupType('google.rpc.Status').decode(bytes);
  return Object.fromEntries(
    status.details.map(({ typeUrl, value }: { typeUrl: string; value: Uint8Array }) => {
      const name = typeUrl.replace('type.googleapis.com/google.rpc.', '');
      const type = RPC.lookupType(`google.rpc.${name}`);
      return [name, type.toObject(type.decode(value), { longs: Number })];
    }),
  );
}

/** A client that knows nothing but the published .proto. */
export class GrpcClient {
  readonly channel: Client;
  readonly root: protobuf.Root;

  private constructor(address: string, text: string, security: ChannelCredentials) {
    this.channel = new Client(address, security, { 'grpc.enable_retries': 0, 'grpc.use_local_subchannel_pool': 1 });
    this.root = new protobuf.Root();
    const { imports } = protobuf.parse(text, this.root);
    for (const file of imports ?? []) this.root.addJSON(protobuf.common.get(file)!.nested!);
    this.root.resolveAll();
  }

  static async open(app: Pick<RunningApp, 'url' | 'grpcPort'>): Promise<GrpcClient> {
    const { status, body } = await anonymous(app).get('/api-docs/fondasi.proto');
    if (status !== 200) throw new Error(`There is no .proto: ${status}`);
    return GrpcClient.at(`127.0.0.1:${app.grpcPort}`, body);
  }

  /** With a .proto from elsewhere. */
  static at(address: string, text: string, security: ChannelCredentials = credentials.createInsecure()): GrpcClient {
    return new GrpcClient(address, text, security);
  }

  close(): void {
    this.channel.close();
  }

  /** `ChatService.MessagesPost`. */
  method(name: string): protobuf.Method {
    const [service, method] = name.split('.') as [string, string];
    return this.root.lookupService(`fondasi.${service}`).methods[method]!.resolve() as protobuf.Method;
  }

  encode(name: string, input: object): Buffer {
    const type = this.method(name).resolvedRequestType!;
    return Buffer.from(type.encode(type.fromObject(enumsNamed(type, input) as object)).finish());
  }

  decode(name: string, bytes: Buffer): any {
    const type = this.method(name).resolvedResponseType!;
    return plain(
      type,
      type.toObject(type.decode(bytes), { longs: String, enums: String, arrays: true, objects: true, defaults: true }),
    );
  }

  metadata({ as, metadata = {} }: CallOptions): Metadata {
    const made = new Metadata();
    made.set('x-forwarded-for', as?.address ?? someAddress());
    if (as) made.set('authorization', `Bearer ${as.token}`);
    for (const [name, value] of Object.entries(metadata)) made.set(name, value);
    return made;
  }

  call(name: string, input: object, options: CallOptions = {}): Promise<GrpcAnswer> {
    const bytes = Buffer.concat([this.encode(name, input), options.extra ?? Buffer.alloc(0)]);
    return this.send(pathOf(name), bytes, options, (answer) => this.decode(name, answer));
  }

  /** A call by path, of bytes. */
  send(path: string, bytes: Buffer, options: CallOptions = {}, decode: (bytes: Buffer) => any = identity): Promise<GrpcAnswer> {
    const { timeout, signal } = options;
    return new Promise((resolve) => {
      let result: { error: ServiceError | null; bytes?: Buffer } | undefined;
      let status: StatusObject | undefined;
      const settle = () => {
        if (!result || !status) return;
        const { code, details, metadata } = status;
        resolve({
          code,
          details,
          message: result.bytes && decode(result.bytes),
          trailers: metadata,
          problem: problemOf(metadata),
        });
      };
      const call = this.channel.makeUnaryRequest(
        path,
        identity,
        identity,
        bytes,
        this.metadata(options),
        timeout === undefined ? {} : { deadline: Date.now() + timeout },
        (error, answer) => {
          result = { error, ...(answer && { bytes: answer }) };
          settle();
        },
      );
      call.on('status', (told) => {
        status = told;
        settle();
      });
      signal?.addEventListener('abort', () => call.cancel(), { once: true });
    });
  }

  subscribe(name: string, input: object, options: CallOptions = {}): GrpcStream {
    const call = this.channel.makeServerStreamRequest(
      pathOf(name),
      identity,
      identity,
      this.encode(name, input),
      this.metadata(options),
    );
    return new GrpcStream(call, (bytes) => this.decode(name, bytes));
  }
}

const identity = (buffer: Buffer) => buffer;

const pathOf = (name: string) => `/fondasi.${name.replace('.', '/')}`;

/** Keeps all that a stream says. */
export class GrpcStream {
  readonly heard: any[] = [];
  readonly ended: Promise<StatusObject>;
  readonly call: ReturnType<Client['makeServerStreamRequest']>;
  status: StatusObject | undefined;
  private readonly waiting = new Set<() => void>();

  constructor(call: ReturnType<Client['makeServerStreamRequest']>, decode: (bytes: Buffer) => any) {
    this.call = call;
    call.on('error', () => {});
    call.on('data', (bytes: Buffer) => {
      this.heard.push(decode(bytes));
      this.waiting.forEach((look) => look());
    });
    this.ended = new Promise((resolve) =>
      call.on('status', (status: StatusObject) => {
        this.status = status;
        this.waiting.forEach((look) => look());
        resolve(status);
      }),
    );
  }

  get problem() {
    return problemOf(this.status!.metadata);
  }

  /** Waits until so many frames have come; fails when the stream ends before. */
  frames(count: number): Promise<any[]> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (this.heard.length < count && !this.status) return;
        this.waiting.delete(look);
        if (this.heard.length >= count) resolve(this.heard.slice(0, count));
        else reject(new Error(`The stream ended: ${this.status!.code} ${this.status!.details}`));
      };
      this.waiting.add(look);
      look();
    });
  }
}

/** The names of an enum's values begin with the enum's own; contracts leave that out. */
const prefixOf = (type: protobuf.Enum) => Object.keys(type.values)[0]!.replace(/UNSPECIFIED$/, '');

/** A value that the enum does not have is sent as a number that it does not have. */
const enumNumber = (type: protobuf.Enum, value: unknown) =>
  type.values[`${prefixOf(type)}${String(value).replace(/[A-Z]/g, '_$&').toUpperCase()}`] ?? 99;

const toContract = (type: protobuf.Enum, name: string) =>
  name
    .slice(prefixOf(type).length)
    .toLowerCase()
    .replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

function enumsNamed(type: protobuf.Type, input: object): object {
  return mapped(type, input, (of, value) => enumNumber(of, value));
}

function plain(type: protobuf.Type, value: any): any {
  return mapped(type, value, (of, name) => toContract(of, String(name)));
}

function mapped(type: protobuf.Type, value: any, ofEnum: (type: protobuf.Enum, value: unknown) => unknown): any {
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, item]: [string, any]) => {
      const field = type.fields[name]?.resolve();
      if (!field) return [];
      const one = (each: any) => {
        if (field.resolvedType instanceof protobuf.Enum) return ofEnum(field.resolvedType, each);
        if (field.resolvedType instanceof protobuf.Type && each !== null && !field.resolvedType.fullName.startsWith('.google'))
          return mapped(field.resolvedType, each, ofEnum);
        return each;
      };
      return [[name, field.repeated ? item.map(one) : one(item)]];
    }),
  );
}
