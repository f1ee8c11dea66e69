import { type Client, credentials, makeGenericClientConstructor, Metadata, status as Status } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor/index.js';
import { service as healthService } from 'grpc-health-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Health } from '#platform/observability/health';
import { type RunningApp, startApp } from '../support/app.ts';
import { GrpcClient } from '../support/grpc-client.ts';
import { anonymous } from '../support/person.ts';
import { outlineOfFiles, outlineOfText } from '../support/protoc.ts';
import { reflect } from '../support/reflection.ts';
import { describeWith, PROTOC } from '../support/toolchain.ts';

let app: RunningApp;
beforeAll(async () => {
  app = await startApp({ settings: { GRPC_PORT: '0' } });
});
afterAll(() => app.close());

const HealthClient = makeGenericClientConstructor(healthService as never, 'Health');
type HealthCheck = Client & {
  check(request: object, done: (error: { code: number } | null, answer?: { status: string }) => void): void;
  watch(request: object, metadata?: Metadata): NodeJS.EventEmitter & { cancel(): void };
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

  test('is watched ten times from one address, which keeps no other from watching', async () => {
    const client = healthOf(app);
    const watch = (address: string) => {
      const metadata = new Metadata();
      metadata.set('x-forwarded-for', address);
      const call = client.watch({ service: '' }, metadata);
      const answer = new Promise((resolve) => {
        call.once('data', ({ status }) => resolve(status)).on('error', ({ code }: { code: number }) => resolve(code));
      });
      return { call, answer };
    };
    // One customer of IPv6 has all of these addresses.
    const held = Array.from({ length: 10 }, (_, index) => watch(`2001:db8:0:7::${index + 1}`));
    for (const { answer } of held) expect(await answer).toBe('SERVING');
    expect(await watch('2001:db8:0:7::ffff').answer).toBe(Status.RESOURCE_EXHAUSTED);
    const other = watch('2001:db8:0:8::1');
    expect(await other.answer).toBe('SERVING');
    held[0]!.call.cancel();
    await vi.waitFor(async () => {
      const next = watch('2001:db8:0:7::ffff');
      held.push(next);
      expect(await next.answer).toBe('SERVING');
    });
    for (const { call } of [...held, other]) call.cancel();
    client.close();
  });
});

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
