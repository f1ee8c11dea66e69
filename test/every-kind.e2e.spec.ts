import { randomUUID } from 'node:crypto';
import { createClient } from '@fondasi/client';
import type { Client as Agent } from '@modelcontextprotocol/client';
import { Controller } from '@nestjs/common';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Portable, PortableField } from '#platform/contract/portable';
import { Calls } from '#platform/operations/calls';
import { Caller } from '#platform/operations/caller';
import { FondasiModule } from '#platform/operations/fondasi-module.decorator';
import { Operation } from '#platform/operations/operation.decorator';
import { Channel, type ChannelHandler, type Entry } from '#platform/realtime/channel-handler';
import { Channels } from '#platform/realtime/channels';
import { modules } from '../src/app.module.ts';
import { agentOf, callTool } from './mcp/agent.ts';
import { until } from './realtime/room.ts';
import { type RunningApp, startApp } from './support/app.ts';
import { moduleWith } from './support/database.ts';
import { EventReader } from './support/event-source.ts';
import { echo, echoes } from './support/every-kind.ts';
import { canonical, everyInstant } from './support/every-kind-values.ts';
import { ask, documentOf, selectFields } from './support/graphql.ts';
import { Following, personClient } from './support/graphql-socket.ts';
import { givenFields, takenFields } from './support/graphql-values.ts';
import { GrpcClient } from './support/grpc-client.ts';
import { givenMessage, takenMessage } from './support/grpc-values.ts';
import { newPerson, type Person } from './support/person.ts';
import { Socket } from './support/socket.ts';

type Value = Record<string, unknown>;
const contract = { echo, echoes };

const said: Entry<any>[] = [];

@Channel(echoes)
class EchoesChannel implements ChannelHandler<typeof echoes> {
  authorize() {
    return 'all';
  }
  async heads(keys: readonly string[]) {
    return keys.map((key) => ({ key, seq: String(said.length) }));
  }
  async readAfter(_key: string, seq: string, limit: number) {
    return said.slice(Number(seq), Number(seq) + limit);
  }
}

@Controller()
class KindsController {
  constructor(private readonly channels: Channels) {}

  @Operation(echo)
  echo(input: any) {
    return input;
  }

  say(item: Value): void {
    said.push({ seq: String(said.length + 1), event: echoes.events[0]!, item });
    this.channels.publish(echoes, [{ key: 'all', entries: said.slice(-1) }]);
  }
}

let app: RunningApp;
let ann: Person;
let socket: Socket;
let agent: Agent;
let grpc: GrpcClient;
beforeAll(async () => {
  const { migrations } = await moduleWith('kinds', { '0001_nothing.sql': 'create table nothing (id int);' });
  @FondasiModule({
    name: 'kinds',
    summary: 'Every kind.',
    contract,
    migrations,
    controllers: [KindsController],
    providers: [EchoesChannel],
  })
  class KindsModule {}
  app = await startApp({ modules: [...modules, KindsModule], settings: { GRPC_PORT: '0' } });
  ann = await newPerson(app, 'Ann');
  socket = await Socket.open(app, ann);
  agent = await agentOf(ann);
  grpc = await GrpcClient.open(app);
});
afterAll(async () => {
  await socket.close();
  await agent.close();
  grpc.close();
  await app.close();
});

/** What JSON can say of a value: it has no -0. */
const asJson = (value: Value): Value => JSON.parse(JSON.stringify(value));

/** The value with its timestamps as protobuf gives them back. */
const withCanonicalTimes = (fields: readonly PortableField[], value: any): Value =>
  Object.fromEntries(
    fields.flatMap(({ name, type }) => (value[name] === undefined ? [] : [[name, canonicalTimes(type, value[name])]])),
  );
function canonicalTimes(type: Portable, value: any): unknown {
  if (value === null) return null;
  if (type.kind === 'timestamp') return canonical(value);
  if (type.kind === 'list') return value.map((item: unknown) => canonicalTimes(type.of, item));
  if (type.kind !== 'map') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, canonicalTimes(type.of, item)]));
}

/** Each protocol's way there and back, and what it can say of a value. */
const PROTOCOLS: Record<string, { send: (value: Value) => Promise<unknown>; says?: (value: Value) => Value }> = {
  call: {
    send: (value) => {
      const origin = { requestId: randomUUID(), address: 'internal', transport: 'call' } as const;
      return app.app
        .get(Calls)
        .client(contract)
        .echo(value as never, new Caller('anonymous', origin, Date.now() + 10_000));
    },
    says: (value) => value,
  },
  REST: { send: async (value) => (await ann.post('/kinds', value)).body },
  WebSocket: { send: async (value) => (await socket.call('kinds.echo', value))['output'] },
  client: {
    send: (value) => createClient({ url: app.url, contracts: { kinds: contract } }).kinds.echo(value as never),
  },
  MCP: { send: async (value) => (await callTool(agent, echo, value)).body },
  GraphQL: {
    send: async (value) => {
      const { query } = documentOf(echo, { any: 1 });
      const { body } = await ask(ann, query, { input: givenFields(echo.inputFields, value) });
      expect(body.errors).toBeUndefined();
      return takenFields(echo.outputFields, body.data.kindsEcho);
    },
  },
  gRPC: {
    send: async (value) => {
      const { details, message } = await grpc.call('KindsService.Echo', givenMessage(echo.inputFields, value), { as: ann });
      expect(details).toBe('OK');
      return takenMessage(echo.outputFields, message);
    },
    says: (value) => withCanonicalTimes(echo.outputFields, value),
  },
};

const RUNS = Number(process.env['KINDS_RUNS'] ?? 60);

test(
  'what is sent comes back as it is over every protocol, and is the same over all of them',
  { timeout: 30_000 + RUNS * 1_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(everyInstant, async (value) => {
        for (const [name, { send, says = asJson }] of Object.entries(PROTOCOLS))
          expect([name, await send(value)]).toEqual([name, says({ step: 7, ...value })]);
      }),
      { numRuns: RUNS },
    );
  },
);

test.each([
  ['empty', { maybeText: '', maybeTags: [], maybeNames: {}, noText: '', noTags: [], noNames: {}, noCount: 0, data: {} }],
  ['missing or null', { noText: null, noTags: [], noNames: null, noCount: null, data: null }],
  ['null in JSON', { anything: [null, [], {}, { none: null }], data: [{ none: null }, null] }],
])('%s stays what it is over every protocol', async (_name, some) => {
  const [sample] = fc.sample(everyInstant, { numRuns: 1, seed: 1 });
  const required = Object.entries(sample!).filter(([name]) => !name.startsWith('maybe'));
  const value: Value = { ...Object.fromEntries(required), ...some };
  for (const [name, { send, says = asJson }] of Object.entries(PROTOCOLS))
    expect([name, await send(value)]).toEqual([name, says({ step: 7, ...value })]);
});

test('what a channel tells is the same over every protocol', { timeout: 60_000 }, async () => {
  const items: Record<string, unknown[]> = { SSE: [], WebSocket: [], GraphQL: [], gRPC: [], client: [] };
  const reader = await EventReader.open(app, '/kinds/echoes', ann);
  await reader.hears(({ event }) => event === 'subscribed');
  await socket.subscribe('kinds.echoes', {});
  const subscriber = personClient(app, ann);
  const following = new Following(subscriber, `subscription { kindsEchoes { cursor item ${selectFields(echo.outputFields)} } }`);
  await until(() => expect(following.results).toHaveLength(1));
  const stream = grpc.subscribe('KindsService.SubscribeEchoes', {}, { as: ann });
  await stream.frames(1);
  const client = createClient({ url: app.url, contracts: { kinds: contract } });
  client.session.set({ accessToken: ann.token, expiresIn: 600 });
  let live = false;
  client.kinds.echoes({}, { onItem: (item) => items['client']!.push(item), onLive: (now) => (live = now) });
  await until(() => expect(live).toBe(true));

  const values = fc.sample(everyInstant, RUNS).map((value) => ({ step: 7, ...value }));
  for (const value of values) app.app.get(KindsController, { strict: false }).say(value);
  await until(() => {
    items['SSE'] = reader.heard.filter(({ event }) => event === 'message').map(({ data }) => data);
    items['WebSocket'] = socket.heard.filter(({ type }) => type === 'event').map(({ item }: any) => item);
    items['GraphQL'] = following.results.slice(1).map(({ data }) => takenFields(echo.outputFields, data.kindsEchoes.item));
    items['gRPC'] = stream.heard.slice(1).map(({ item }) => takenMessage(echo.outputFields, item));
    expect(Object.entries(items).map(([name, { length }]) => [name, length])).toEqual(
      Object.keys(items).map((name) => [name, RUNS]),
    );
  });
  for (const [name, got] of Object.entries(items))
    for (const [index, value] of values.entries())
      expect([name, got[index]]).toEqual([name, name === 'gRPC' ? withCanonicalTimes(echo.outputFields, value) : asJson(value)]);
  client.close();
  reader.close();
  stream.call.cancel();
  await subscriber.dispose();
});
