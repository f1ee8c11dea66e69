import { createRequire } from 'node:module';
import { join } from 'node:path';
import {
  type Client,
  credentials,
  loadPackageDefinition,
  makeGenericClientConstructor,
  type ServiceClientConstructor,
  status as Status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor/index.js';
import { service as healthService } from 'grpc-health-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Health } from '#platform/observability/health';
import { type RunningApp, startApp } from '../support/app.ts';
import { GrpcClient } from '../support/grpc-client.ts';
import { anonymous } from '../support/person.ts';
import { outlineOfFiles, outlineOfText } from '../support/protoc.ts';
import { describeWith, PROTOC } from '../support/toolchain.ts';

let app: RunningApp;
beforeAll(async () => {
  app = await startApp({ settings: { GRPC_PORT: '0' } });
});
afterAll(() => app.close());

const HealthClient = makeGenericClientConstructor(healthService as never, 'Health');
type HealthCheck = Client & {
  check(request: object, done: (error: { code: number } | null, answer?: { status: string }) => void): void;
  watch(request: object): NodeJS.EventEmitter & { cancel(): void };
};
const healthOf = ({ grpcPort }: RunningApp) =>
  new HealthClient(`127.0.0.1:${grpcPort}`, credentials.createInsecure()) as unknown as HealthCheck;
const check = (client: HealthCheck, service: string) =>
  new Promise((resolve) => client.check({ service }, (error, answer) => resolve(error ? error.code : answer!.status)));

describe('health', () => {
  test('is told for the server and for each service', async () => {
    const client = healthOf(app);
    expect(await check(client, '')).toBe('SERVING');
    expect(await check(client, 'fondasi.ChatService')).toBe('SERVING');
    expect(await check(client, 'fondasi.NothingService')).toBe(Status.NOT_FOUND);
    client.close();
  });

  test('is what readiness is: whoever watches hears of a change, and of the end', async () => {
    const own = await startApp({ settings: { GRPC_PORT: '0' } });
    const client = healthOf(own);
    const heard: string[] = [];
    const watching = client.watch({ service: '' });
    watching.on('data', ({ status }) => heard.push(status)).on('error', () => {});
    const over = new Promise((resolve) => watching.once('status', resolve));
    await vi.waitUntil(() => heard.length > 0);
    own.app.get(Health).drain();
    await vi.waitUntil(() => heard.length > 1, { timeout: 5_000 });
    expect(await check(client, '')).toBe('NOT_SERVING');
    expect(heard).toEqual(['SERVING', 'NOT_SERVING']);
    await own.close();
    await over;
    client.close();
  });

  test('of a service that is not there is told so, and can be waited for', async () => {
    const client = healthOf(app);
    const watching = client.watch({ service: 'fondasi.NothingService' });
    watching.on('error', () => {});
    const status = await new Promise((resolve) => watching.once('data', (answer) => resolve(answer.status)));
    expect(status).toBe('SERVICE_UNKNOWN');
    watching.cancel();
    client.close();
  });
});

/** What a tool without the .proto does: asks which services there are, and for the file of one. */
async function reflect({ grpcPort }: RunningApp, version: 'v1' | 'v1alpha') {
  const folder = join(createRequire(import.meta.url).resolve('@grpc/reflection'), '../../proto/grpc/reflection');
  const loaded = loadPackageDefinition(loadSync(join(folder, version, 'reflection.proto'), { keepCase: true })) as any;
  const Reflection = loaded.grpc.reflection[version].ServerReflection as ServiceClientConstructor;
  const client = new Reflection(`127.0.0.1:${grpcPort}`, credentials.createInsecure()) as any;
  const stream = client.ServerReflectionInfo();
  const ask = (request: object) =>
    new Promise<any>((resolve, reject) => {
      stream.once('data', resolve).once('error', reject);
      stream.write(request);
    });
  try {
    const { list_services_response: list } = await ask({ list_services: '' });
    const { file_descriptor_response: file } = await ask({ file_containing_symbol: 'fondasi.ChatService' });
    const files: Buffer[] = file.file_descriptor_proto;
    return { services: list.service.map(({ name }: { name: string }) => name), files };
  } finally {
    stream.end();
    client.close();
  }
}

const rootOf = (files: readonly Buffer[]) =>
  (protobuf.Root as unknown as { fromDescriptor(set: object): protobuf.Root }).fromDescriptor({
    file: files.map((bytes) => descriptor.FileDescriptorProto.decode(bytes)),
  });

describe('reflection', () => {
  test.each(['v1', 'v1alpha'] as const)('%s lists the services, and describes them as the document does', async (version) => {
    const { services, files } = await reflect(app, version);
    expect(services).toEqual(expect.arrayContaining(['fondasi.AuthService', 'fondasi.ChatService', 'fondasi.UsersService']));
    const described = rootOf(files).lookupService('fondasi.ChatService').methods;
    const client = await GrpcClient.open(app);
    const documented = client.root.lookupService('fondasi.ChatService').methods;
    expect(Object.keys(described)).toEqual(Object.keys(documented));
    client.close();
  });
});

const published = async () => (await anonymous(app).get('/api-docs/fondasi.proto')).body as string;

describe('the document', () => {
  test('is served beside the others, and says what exists for the outside only', async () => {
    const text = await published();
    expect(text).toContain('rpc MessagesPost(ChatMessagesPostInput) returns (Message);');
    expect(text).toContain('rpc SubscribeRoom(SubscribeChatRoomInput) returns (stream ChatRoomFrame);');
    for (const hidden of ['Register(', 'FindOwner', 'Membership(', 'InvitationsCheck']) expect(text).not.toContain(hidden);
  });

  describeWith(PROTOC, "to Google's compiler", () => {
    test('is what reflection tells: protoc makes the same of both', async () => {
      const { files } = await reflect(app, 'v1');
      const outline = outlineOfText(await published());
      expect(outline).toContain('ChatMessagesListInput.limit 3? TYPE_INT32 LABEL_OPTIONAL');
      expect(outlineOfFiles(files)).toEqual(outline);
    });
  });

  test('and reflection are off where the documents are; calls are not', async () => {
    const quiet = await startApp({ settings: { GRPC_PORT: '0', API_DOCS: 'off' } });
    expect((await anonymous(quiet).get('/api-docs/fondasi.proto')).status).toBe(404);
    await expect(reflect(quiet, 'v1')).rejects.toMatchObject({ code: Status.UNIMPLEMENTED });
    const client = healthOf(quiet);
    expect(await check(client, '')).toBe('SERVING');
    client.close();
    await quiet.close();
  });

  test('is not there where gRPC is off', async () => {
    const without = await startApp();
    expect(without.grpcPort).toBeUndefined();
    expect((await anonymous(without).get('/api-docs/fondasi.proto')).status).toBe(404);
    await without.close();
  });
});
