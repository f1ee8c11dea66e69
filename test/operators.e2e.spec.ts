import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { DEFAULT_ORGANIZATION } from '#platform/contract/access';
import { Health } from '#platform/observability/health';
import { startTracing } from '#platform/observability/tracing';
import { Secrets } from '#platform/security/secrets';
import { type RunningApp, startApp } from './support/app.ts';
import { anonymous, newPerson, PASSWORD, Person } from './support/person.ts';

let app: RunningApp;
let admin: Person;
beforeAll(async () => {
  app = await startApp();
  admin = new Person(app, 'admin@example.com');
  const token = app.app.get(Secrets).fingerprint('first administrator', 'token').toString('base64url');
  await admin.post('/auth/set-up', { token, email: admin.email, password: PASSWORD, name: 'Admin' });
  await admin.signIn();
});
afterAll(() => app.close());

describe('health', () => {
  test('a running process is live and ready, and tells nothing more', async () => {
    const live = await anonymous(app).get('/health/live');
    expect([live.status, live.body]).toEqual([200, { status: 'up' }]);
    const ready = await anonymous(app).get('/health/ready');
    expect([ready.status, ready.body]).toEqual([200, { status: 'up', checks: { database: 'up' } }]);
    expect(ready.headers.get('cache-control')).toBe('no-store');
  });

  test('a process that stops gets no more traffic, but lives', async () => {
    const stopping = await startApp({ database: app.database });
    stopping.app.get(Health).drain();
    expect((await anonymous(stopping).get('/health/ready')).status).toBe(503);
    expect((await anonymous(stopping).get('/health/live')).status).toBe(200);
    await stopping.close();
  });

  test('without its database it is not ready; why is only in the log', async () => {
    const cut = await startApp();
    await cut.database.drop();
    await vi.waitFor(async () => expect((await anonymous(cut).get('/health/ready')).status).toBe(503), { timeout: 10_000 });
    const { body } = await anonymous(cut).get('/health/ready');
    expect(body).toEqual({ status: 'down', checks: { database: 'down' } });
    await vi.waitFor(() => expect(cut.logged()).toContain('not ready: database'), { timeout: 5_000 });
    await cut.app.close();
  });
});

describe('metrics', () => {
  test('administrators of the installation read them, nobody else does', async () => {
    expect(admin.organizationId).toBe(DEFAULT_ORGANIZATION);
    const page = await admin.get('/metrics');
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toContain('text/plain');
    expect((await anonymous(app).get('/metrics')).body.code).toBe('platform/unauthenticated');
    expect((await (await newPerson(app, 'Member')).get('/metrics')).body.code).toBe('platform/forbidden');
    // Whoever founds an organization owns that one, not the installation.
    const owner = await (await newPerson(app, 'Owner')).foundOrganization('Mine');
    expect((await owner.get('/metrics')).body.code).toBe('platform/forbidden');
  });

  test('they count requests by route, operations by outcome, refusals and connections', async () => {
    const ann = await newPerson(app, 'Ann');
    await ann.get('/users/me');
    await ann.get('/users/not-an-id');
    await ann.get('/somewhere/else');
    for (let call = 0; call < 11; call++) await ann.post('/organizations', {});
    const { body } = await admin.get('/metrics');
    const value = (line: RegExp) => Number(line.exec(body)?.[1]);
    expect(
      value(
        /http_server_request_duration_seconds_count\{http_request_method="GET",http_route="\/users\/me",http_response_status_code="200"\} (\d+)/,
      ),
    ).toBeGreaterThan(0);
    expect(
      value(/operation_duration_seconds_count\{operation="users.get",transport="rest",outcome="refused"\} (\d+)/),
    ).toBeGreaterThan(0);
    expect(value(/rate_limit_refusals_total\{operation="users.organizations.create"\} (\d+)/)).toBeGreaterThan(0);
    expect(body).toContain('database_connections{pool="chat"');
    expect(body).toContain('password_queue_length 0');
    expect(body).toContain('nodejs_eventloop_lag_seconds');
    expect(body).not.toContain('/somewhere/else');
    expect(body).not.toContain('not-an-id');
  });

  test('with a port of their own they are not on the gateway', async () => {
    const own = await startApp({ settings: { METRICS_PORT: '9' }, database: app.database });
    expect((await anonymous(own).get('/metrics')).body.code).toBe('platform/not-found');
    await own.close();
  });
});

test('a trace that a client began goes on in the operation and in the call to another module', async () => {
  const spans: any[] = [];
  const collector = createServer((request, reply) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part) => (text += part));
    request.on('end', () => {
      for (const resource of JSON.parse(text).resourceSpans) for (const scope of resource.scopeSpans) spans.push(...scope.spans);
      reply.end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(collector, 'listening');
  const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  const stop = await startTracing({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SERVICE_NAME: 'test', NODE_ENV: 'test' });
  const [ann, bob] = await Promise.all([newPerson(app, 'Ann'), newPerson(app, 'Bob')]);
  const { body: room } = await ann.post('/chat/rooms', { name: 'Traced' });
  const trace = '0af7651916cd43dd8448eb211c80319c';
  const headers = { traceparent: `00-${trace}-b7ad6b7169203331-01` };
  await ann.post(`/chat/rooms/${room.id}/invite`, { personId: bob.id }, headers);
  await stop();
  collector.close();
  const traced = spans.filter(({ traceId }) => traceId === trace);
  const invite = traced.find(({ name }) => name === 'chat.rooms.invite');
  const get = traced.find(({ name }) => name === 'users.get');
  expect(invite.parentSpanId).toBe('b7ad6b7169203331');
  expect(get.parentSpanId).toBe(invite.spanId);
  expect(JSON.stringify(spans)).not.toContain('Traced');
});
