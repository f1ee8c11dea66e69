import { afterEach, expect, it } from 'vitest';
import { StartError } from '#platform/start-error';
import { Metrics } from './metrics.ts';
import { serveMetrics } from './metrics-server.ts';

const servers: { close: () => Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

it('counts requests by template and status, and operations by outcome', async () => {
  const metrics = new Metrics();
  const route = metrics.route('POST', '/rooms/:roomId');
  route(201, 0.003);
  route(201, 0.004);
  route(404, 0.001);
  metrics.operation('chat.rooms.create', 'rest')('ok', 0.002);
  metrics.rateLimitRefused('chat.rooms.create');
  metrics.requestStarted();
  const { text } = await metrics.page();
  expect(text).toContain(
    'http_server_request_duration_seconds_count{http_request_method="POST",http_route="/rooms/:roomId",http_response_status_code="201"} 2',
  );
  expect(text).toContain('http_response_status_code="404"} 1');
  expect(text).toContain('operation_duration_seconds_count{operation="chat.rooms.create",transport="rest",outcome="ok"} 1');
  expect(text).toContain('rate_limit_refusals_total{operation="chat.rooms.create"} 1');
  expect(text).toContain('http_server_active_requests 1');
  expect(text).toContain('process_cpu_seconds_total');
});

it('reads pools and queues when it is asked', async () => {
  const metrics = new Metrics();
  let queued = 0;
  metrics.observe('argon2_queue_length', 'Passwords that wait to be hashed.', () => queued);
  metrics.databasePool('auth', () => ({ total: 5, idle: 2, waiting: 1 }));
  metrics.databasePool('chat', () => ({ total: 1, idle: 1, waiting: 0 }));
  queued = 7;
  const { text } = await metrics.page();
  expect(text).toContain('argon2_queue_length 7');
  expect(text).toContain('database_connections{pool="auth",state="waiting"} 1');
  expect(text).toContain('database_connections{pool="chat",state="total"} 1');
});

it('serves them on a port of their own, and nothing else there', async () => {
  const server = await serveMetrics(new Metrics(), '127.0.0.1', 0);
  servers.push(server);
  const page = await fetch(`http://127.0.0.1:${server.port}/metrics`);
  expect(page.headers.get('content-type')).toContain('text/plain');
  expect(await page.text()).toContain('# TYPE process_cpu_seconds_total counter');
  expect((await fetch(`http://127.0.0.1:${server.port}/`)).status).toBe(404);
  await expect(serveMetrics(new Metrics(), '127.0.0.1', server.port)).rejects.toThrow(StartError);
});
