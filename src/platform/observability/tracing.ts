import { context, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace, TraceFlags, type Tracer } from '@opentelemetry/api';
import type { Config } from '#config/config';
import { currentRequest, randomHex } from './request-context.ts';

export type TraceSettings = Pick<Config, 'OTEL_EXPORTER_OTLP_ENDPOINT' | 'OTEL_SERVICE_NAME' | 'NODE_ENV'>;

let tracer: Tracer | undefined;

/** Sends traces to the collector, when one is set; loads the SDK only then. The function that it returns sends what is left and stops. */
export async function startTracing(settings: TraceSettings): Promise<() => Promise<void>> {
  const endpoint = settings.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (endpoint === undefined) return async () => {};
  const [
    { BatchSpanProcessor, TracerProvider },
    { OTLPTraceExporter },
    { resourceFromAttributes },
    { AsyncLocalStorageContextManager },
  ] = await Promise.all([
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/context-async-hooks'),
  ]);
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': settings.OTEL_SERVICE_NAME,
      'deployment.environment.name': settings.NODE_ENV,
    }),
    spanProcessors: [
      new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces` }) }),
    ],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(provider);
  tracer = provider.getTracer('fondasi');
  return async () => {
    tracer = undefined;
    await provider.shutdown();
    trace.disable();
    context.disable();
  };
}

export type Attributes = Record<string, string | number | boolean>;

const KINDS = { inside: SpanKind.INTERNAL, request: SpanKind.SERVER, call: SpanKind.CLIENT } as const;

/**
 * Runs the work inside a span: `request` for an operation that was asked for, `call` for a statement or a call that goes out,
 * `inside` for the rest. Without a collector it only runs the work. No attribute may hold what a client sent.
 */
export function inSpan<T>(kind: keyof typeof KINDS, name: string, attributes: Attributes | undefined, work: () => T): T {
  if (tracer === undefined) return work();
  const span = tracer.startSpan(name, { kind: KINDS[kind], attributes }, parentContext());
  adoptTrace(span);
  return context.with(trace.setSpan(context.active(), span), () => finishWith(span, work));
}

/** The `traceparent` to send along with an outgoing call; undefined outside a request. */
export function traceparent(): string | undefined {
  const active = tracer && trace.getSpanContext(context.active());
  if (active) return `00-${active.traceId}-${active.spanId}-${active.traceFlags & TraceFlags.SAMPLED ? '01' : '00'}`;
  const request = currentRequest();
  return request && `00-${request.traceId}-${request.parentSpanId ?? randomHex(8)}-${request.sampled ? '01' : '00'}`;
}

/** The running span; else the client's, when it sent one. */
function parentContext() {
  const request = currentRequest();
  if (trace.getSpan(context.active()) || request?.parentSpanId === undefined) return context.active();
  const traceFlags = request.sampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId: request.traceId,
    spanId: request.parentSpanId,
    traceFlags,
    isRemote: true,
  });
}

/** Logs and answers name the trace that the collector knows. */
function adoptTrace(span: Span): void {
  const request = currentRequest();
  if (request) request.traceId = span.spanContext().traceId;
}

function finishWith<T>(span: Span, work: () => T): T {
  try {
    const result = work();
    if (!isPromise(result)) {
      span.end();
      return result;
    }
    return result.then(
      (value: unknown) => {
        span.end();
        return value;
      },
      (error: unknown) => fail(span, error),
    ) as T;
  } catch (error) {
    return fail(span, error);
  }
}

/** The name of the error only: its message may hold what a client sent. */
function fail(span: Span, error: unknown): never {
  const name = error instanceof Error ? error.name : 'unknown';
  span.setAttribute('error.type', name).setStatus({ code: SpanStatusCode.ERROR });
  span.end();
  throw error;
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
