import { once } from 'node:events';
import { connect } from 'node:http2';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Controller } from '@nestjs/common';
import { credentials, status as Status } from '@grpc/grpc-js';
import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { anyone } from '#platform/contract/access';
import { operation } from '#platform/contract/operation';
import { schema } from '#platform/contract/schema';
import { FondasiModule } from '#platform/operations/fondasi-module.decorator';
import { Operation } from '#platform/operations/operation.decorator';
import { modules } from '../../src/app.module.ts';
import { startApp } from '../support/app.ts';
import { Certificate } from '../support/certificate.ts';
import { GrpcClient } from '../support/grpc-client.ts';

const Lunch = schema('Lunch', { eaten: z.boolean() });
const eat = operation({ name: 'lunch.eat', summary: 'Eat', http: 'POST /lunch', access: anyone(), input: {}, output: Lunch });
const contract = { eat };
let finish: (() => void) | undefined;

@Controller()
class LunchController {
  @Operation(eat)
  async eat() {
    await new Promise<void>((resolve) => (finish = resolve));
    return { eaten: true };
  }
}

@FondasiModule({ name: 'lunch', summary: 'Takes its time', contract, controllers: [LunchController] })
class LunchModule {}

describe('with a certificate', () => {
  test('gRPC is spoken over TLS, and over nothing else', async () => {
    const certificate = new Certificate();
    const app = await startApp({ settings: { GRPC_PORT: '0', ...certificate.settings } });
    const secure = GrpcClient.at(`localhost:${app.grpcPort}`, PROTO, credentials.createSsl(certificate.ca));
    const plain = GrpcClient.at(`127.0.0.1:${app.grpcPort}`, PROTO);
    expect(await secure.call('UsersService.Me', {})).toMatchObject({
      code: Status.UNAUTHENTICATED,
      details: 'You are not signed in',
    });
    expect((await plain.call('UsersService.Me', {})).code).toBe(Status.UNAVAILABLE);
    secure.close();
    plain.close();
    await app.close();
    certificate.remove();
  });
});

/** As much of the document as it takes, for a server whose certificate fetch() does not trust. */
const PROTO = `syntax = "proto3"; package fondasi; message Nothing {} service UsersService { rpc Me(Nothing) returns (Nothing); }`;

describe('when it stops', () => {
  test('what runs ends well, and nothing new begins', async () => {
    const app = await startApp({ modules: [...modules, LunchModule], settings: { GRPC_PORT: '0' } });
    const client = await GrpcClient.open(app);
    const eating = client.call('LunchService.Eat', {});
    await vi.waitUntil(() => finish !== undefined);
    const closing = app.close();
    const late = () => {
      const other = GrpcClient.at(`127.0.0.1:${app.grpcPort}`, PROTO);
      return other.call('UsersService.Me', {}).finally(() => other.close());
    };
    await vi.waitFor(async () => expect((await late()).code).toBe(Status.UNAVAILABLE));
    finish!();
    expect(await eating).toMatchObject({ code: Status.OK, message: { eaten: true } });
    client.close();
    await closing;
  });

  test('a connection that only stays is let go', async () => {
    const app = await startApp({ settings: { GRPC_PORT: '0' } });
    const session = connect(`http://127.0.0.1:${app.grpcPort}`);
    await once(session, 'connect');
    await app.close();
    await vi.waitUntil(() => session.destroyed);
    expect(session.destroyed).toBe(true);
  });
});

test('a port that is taken is told in one sentence', async () => {
  const busy = createServer().listen(0, '127.0.0.1');
  await once(busy, 'listening');
  const { port } = busy.address() as AddressInfo;
  await expect(startApp({ settings: { GRPC_PORT: String(port) } })).rejects.toThrow(
    `Port ${port} is in use: stop what uses it, or set GRPC_PORT to another one, or to off for no gRPC.`,
  );
  busy.close();
});

test("a product's own modules are served with numbers of their own, and it is told that nobody has pinned them", async () => {
  const app = await startApp({ modules: [...modules, LunchModule], settings: { GRPC_PORT: '0' } });
  const told = () => expect(app.logged()).toContain('protobuf numbers are not pinned and may change');
  await vi.waitFor(told, { timeout: 5_000 });
  const client = await GrpcClient.open(app);
  expect(client.method('LunchService.Eat').name).toBe('Eat');
  client.close();
  await app.close();
});
