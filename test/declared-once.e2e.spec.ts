import { createClient } from '@fondasi/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { modules } from '../src/app.module.ts';
import { agentOf, callTool } from './mcp/agent.ts';
import { until } from './realtime/room.ts';
import { type RunningApp, startApp } from './support/app.ts';
import { EventReader } from './support/event-source.ts';
import { ask } from './support/graphql.ts';
import { Following, personClient } from './support/graphql-socket.ts';
import { GrpcClient } from './support/grpc-client.ts';
import { anonymous, newPerson, type Person } from './support/person.ts';
import { reflect } from './support/reflection.ts';
import { sky, skyModule } from './support/sky.ts';
import { Socket } from './support/socket.ts';

// A module declares an operation and a channel. Nothing else in the product knows of it.

let app: RunningApp;
let ann: Person;
let grpc: GrpcClient;
beforeAll(async () => {
  app = await startApp({ modules: [...modules, await skyModule()], settings: { GRPC_PORT: '0' } });
  ann = await newPerson(app, 'Ann');
  grpc = await GrpcClient.open(app);
});
afterAll(async () => {
  grpc.close();
  await app.close();
});

const vega = { star: 'Vega', hue: 'blue' as const };
const sighting = { ...vega, number: expect.stringMatching(/^\d+$/) };

const clientOfAnn = () => {
  const client = createClient({ url: app.url, contracts: { sky } });
  client.session.set({ accessToken: ann.token, expiresIn: 600 });
  return client;
};

const saySomething = () => ann.post('/sky', vega);
const page = async (path: string) => (await anonymous(app).get(path)).body;

describe('an operation is there', () => {
  test('over REST', async () => {
    expect(await ann.post('/sky', vega)).toMatchObject({ status: 200, body: sighting });
  });

  test('over GraphQL', async () => {
    const query = 'mutation ($input: SkyReportInput!) { skyReport(input: $input) { number star hue } }';
    expect((await ask(ann, query, { input: vega })).body.data.skyReport).toEqual(sighting);
  });

  test('over gRPC', async () => {
    expect((await grpc.call('SkyService.Report', vega, { as: ann })).message).toEqual(sighting);
  });

  test('over the WebSocket', async () => {
    const socket = await Socket.open(app, ann);
    expect((await socket.call('sky.report', vega))['output']).toEqual(sighting);
    await socket.close();
  });

  test('as a tool of an agent', async () => {
    const agent = await agentOf(ann);
    expect((await callTool(agent, sky.reportStar, vega)).body).toEqual(sighting);
    await agent.close();
  });

  test('in the typed client', async () => {
    const client = clientOfAnn();
    expect(await client.sky.reportStar(vega)).toEqual(sighting);
    client.close();
  });

  test('and nowhere without a token', async () => {
    const nobody = anonymous(app);
    expect((await nobody.post('/sky', vega)).status).toBe(401);
    const { body } = await ask(nobody, 'mutation { skyReport(input: { star: "Vega", hue: blue }) { star } }');
    expect(body.errors[0].extensions.code).toBe('platform/unauthenticated');
    expect((await grpc.call('SkyService.Report', vega)).problem['ErrorInfo']?.metadata.code).toBe('platform/unauthenticated');
    expect((await nobody.post('/mcp', { jsonrpc: '2.0', id: 1, method: 'tools/list' })).status).toBe(401);
  });
});

describe('a channel is there', () => {
  test('over server-sent events', async () => {
    const reader = await EventReader.open(app, '/sky/stars', ann);
    await reader.hears(({ event }) => event === 'subscribed');
    await saySomething();
    expect((await reader.hears(({ event }) => event === 'message')).data).toEqual(sighting);
    reader.close();
  });

  test('over the WebSocket', async () => {
    const socket = await Socket.open(app, ann);
    expect((await socket.subscribe('sky.stars', {})).type).toBe('subscribed');
    await saySomething();
    expect((await socket.hears(({ type }) => type === 'event'))['item']).toEqual(sighting);
    await socket.close();
  });

  test('as a GraphQL subscription', async () => {
    const client = personClient(app, ann);
    const { results } = new Following(client, 'subscription { skyStars { cursor item { number star hue } } }');
    await until(() => expect(results).toHaveLength(1));
    await saySomething();
    await until(() => expect(results[1]?.data.skyStars.item).toEqual(sighting));
    await client.dispose();
  });

  test('as a stream of gRPC', async () => {
    const stream = grpc.subscribe('SkyService.SubscribeStars', {}, { as: ann });
    await stream.frames(1);
    await saySomething();
    expect((await stream.frames(2))[1].item).toEqual(sighting);
    stream.call.cancel();
  });

  test('in the typed client', async () => {
    const client = clientOfAnn();
    const items: unknown[] = [];
    let live = false;
    client.sky.stars({}, { onItem: (item) => items.push(item), onLive: (now) => (live = now) });
    await until(() => expect(live).toBe(true));
    await saySomething();
    await until(() => expect(items).toEqual([sighting]));
    client.close();
  });
});

describe('both are described', () => {
  test('in OpenAPI', async () => {
    const { paths, components } = await page('/api-docs/openapi.json');
    expect(paths['/sky'].post.operationId).toBe('sky.report');
    expect(paths['/sky/stars'].get.responses['200'].content).toHaveProperty('text/event-stream');
    expect(Object.keys(components.schemas.Sighting.properties)).toEqual(['number', 'star', 'hue']);
  });

  test('in AsyncAPI', async () => {
    const { channels } = await page('/api-docs/asyncapi.json');
    const names = ['sky.report.call', 'sky.report.answer', 'sky.stars.subscribe', 'sky.stars.event'];
    expect(Object.keys(channels.socket.messages)).toEqual(expect.arrayContaining(names));
  });

  test('in the schema of GraphQL', async () => {
    const { body } = await ask(
      ann,
      '{ schema: __schema { mutationType { fields { name } } subscriptionType { fields { name } } } }',
    );
    expect(body.data.schema.mutationType.fields).toContainEqual({ name: 'skyReport' });
    expect(body.data.schema.subscriptionType.fields).toContainEqual({ name: 'skyStars' });
  });

  test('in the .proto, and by reflection', async () => {
    const text = await page('/api-docs/fondasi.proto');
    expect(text).toContain('rpc Report(SkyReportInput) returns (Sighting);');
    expect(text).toContain('rpc SubscribeStars(SubscribeSkyStarsInput) returns (stream SkyStarsFrame);');
    expect((await reflect(app, 'v1')).services).toContain('fondasi.SkyService');
  });

  test('to agents', async () => {
    const agent = await agentOf(ann);
    const tool = (await agent.listTools()).tools.find(({ name }) => name === 'sky_report');
    expect(tool).toMatchObject({ inputSchema: { required: ['star', 'hue'] }, outputSchema: { type: 'object' } });
    await agent.close();
  });
});
