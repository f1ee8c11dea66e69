import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { beginRequest, currentRequest, runInRequest } from './request-context.ts';
import { inSpan, startTracing, traceparent } from './tracing.ts';

const CLIENT = { trace: '0af7651916cd43dd8448eb211c80319c', span: 'b7ad6b7169203331' };

const rejecting = () => Promise.reject(new TypeError('siti@example.com'));

interface ReceivedSpan {
  name: string;
  kind: number;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  status: { code?: number };
  attributes: { key: string; value: Record<string, unknown> }[];
}

describe('with a collector', () => {
  let collector: Server;
  let spans: ReceivedSpan[];
  let paths: (string | undefined)[];
  let stop: () => Promise<void>;

  beforeEach(async () => {
    spans = [];
    paths = [];
    collector = createServer(async (request, reply) => {
      paths.push(request.url);
      const body = JSON.parse(Buffer.concat(await request.toArray()).toString()) as {
        resourceSpans: { scopeSpans: { spans: ReceivedSpan[] }[] }[];
      };
      spans.push(...body.resourceSpans.flatMap((resource) => resource.scopeSpans.flatMap((scope) => scope.spans)));
      reply.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
    await once(collector.listen(0, '127.0.0.1'), 'listening');
    const { port } = collector.address() as AddressInfo;
    stop = await startTracing({
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}/`,
      OTEL_SERVICE_NAME: 'shop',
      NODE_ENV: 'test',
    });
  });
  afterEach(async () => {
    await stop();
    collector.closeAllConnections();
    collector.close();
  });

  it("continues the client's trace, nests spans across awaits and hands the trace on", async () => {
    let handedOn: string | undefined;
    await runInRequest(beginRequest(`00-${CLIENT.trace}-${CLIENT.span}-01`), () =>
      inSpan('request', 'chat.messages.post', undefined, async () => {
        await Promise.resolve();
        await inSpan('call', 'insert', { 'db.system.name': 'postgresql' }, async () => {
          handedOn = traceparent();
        });
      }),
    );
    await stop();
    const [statement, operation] = spans;
    expect(paths).toEqual(['/v1/traces']);
    expect(operation).toMatchObject({ name: 'chat.messages.post', kind: 2, traceId: CLIENT.trace, parentSpanId: CLIENT.span });
    expect(statement).toMatchObject({ name: 'insert', kind: 3, traceId: CLIENT.trace, parentSpanId: operation!.spanId });
    expect(handedOn).toBe(`00-${CLIENT.trace}-${statement!.spanId}-01`);
  });

  it('gives the log the id of the trace that it began', async () => {
    const logged = runInRequest(beginRequest(), () => inSpan('request', 'a', undefined, () => currentRequest()!.traceId));
    await stop();
    expect(spans.map((span) => span.traceId)).toEqual([logged]);
  });

  it('marks what failed, without the message', async () => {
    await expect(inSpan('inside', 'x', undefined, rejecting)).rejects.toThrow(TypeError);
    await stop();
    expect(spans).toMatchObject([
      { status: { code: 2 }, attributes: [{ key: 'error.type', value: { stringValue: 'TypeError' } }] },
    ]);
    expect(JSON.stringify(spans)).not.toContain('siti');
  });

  it('obeys a client that does not want its trace recorded', async () => {
    runInRequest(beginRequest(`00-${CLIENT.trace}-${CLIENT.span}-00`), () => inSpan('request', 'a', undefined, () => {}));
    await stop();
    expect(spans).toEqual([]);
  });
});

describe('without a collector', () => {
  it("runs the work and still hands the client's trace on", async () => {
    const stop = await startTracing({ OTEL_EXPORTER_OTLP_ENDPOINT: undefined, OTEL_SERVICE_NAME: 'x', NODE_ENV: 'test' });
    expect(inSpan('request', 'a', undefined, () => 42)).toBe(42);
    expect(runInRequest(beginRequest(`00-${CLIENT.trace}-${CLIENT.span}-01`), traceparent)).toBe(
      `00-${CLIENT.trace}-${CLIENT.span}-01`,
    );
    await stop();
  });

  it.each([
    '',
    'nonsense',
    `00-${'0'.repeat(32)}-${CLIENT.span}-01`,
    `ff-${CLIENT.trace}-${CLIENT.span}-01`,
    `00-${CLIENT.trace}-${CLIENT.span}`,
  ])('begins a trace of its own when the client sends %j', (sent) => {
    expect(beginRequest(sent)).toMatchObject({ traceId: expect.stringMatching(/^[0-9a-f]{32}$/), parentSpanId: undefined });
    expect(beginRequest(sent).traceId).not.toBe(CLIENT.trace);
  });
});
