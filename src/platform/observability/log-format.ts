import { hostname } from 'node:os';
import type { LoggerOptions } from 'pino';
import { redactObject } from './redaction.ts';

/** The version of the Elastic Common Schema that the field names follow. */
const ECS_VERSION = '8.17.0';

/** What every line says of the process that wrote it. */
export function ecsBase(service: { OTEL_SERVICE_NAME: string; NODE_ENV: string }): Record<string, string | number> {
  return {
    'ecs.version': ECS_VERSION,
    'service.name': service.OTEL_SERVICE_NAME,
    'service.environment': service.NODE_ENV,
    'process.pid': process.pid,
    'host.hostname': hostname(),
  };
}

/**
 * JSON lines in the Elastic Common Schema. Names are written with dots ("log.level"), which Elasticsearch reads the same as
 * nested objects and which cost nothing to build.
 */
export function ecsOptions(base: Record<string, string | number>): LoggerOptions {
  return {
    messageKey: 'message',
    base,
    // pino puts the level first; the time goes before the rest.
    timestamp: () => `,"@timestamp":"${isoNow()}"`,
    formatters: {
      level: (label) => ({ 'log.level': label }),
      log: (object) => errorFields(redactObject(object)),
    },
  };
}

/** Lines for people: the same fields and the same redaction. */
export function prettyOptions(): LoggerOptions {
  return { serializers: { err: describeError }, formatters: { log: redactObject } };
}

let lastMs = 0;
let lastText = '';

/** The time in ISO 8601, written anew once per millisecond. */
export function isoNow(): string {
  const now = Date.now();
  if (now !== lastMs) {
    lastMs = now;
    lastText = new Date(now).toISOString();
  }
  return lastText;
}

function errorFields(object: Record<string, unknown>): Record<string, unknown> {
  if (!(object.err instanceof Error)) return object;
  const { err, ...rest } = object;
  const { type, message, stack, code } = describeError(err as Error);
  return {
    ...rest,
    'error.type': type,
    'error.message': message,
    'error.stack_trace': stack,
    ...(code && { 'error.code': code }),
  };
}

/** Type, message, stack (with its causes) and code of an error; no other field, because a database driver puts the row's values there. */
function describeError(error: unknown): { type: string; message: string; stack: string; code?: string } {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error), stack: '' };
  const { code } = error as NodeJS.ErrnoException;
  return { type: error.name, message: error.message, stack: stackOf(error), ...(code !== undefined && { code: String(code) }) };
}

function stackOf(error: Error): string {
  const own = error.stack ?? `${error.name}: ${error.message}`;
  return error.cause instanceof Error ? `${own}\nCaused by: ${stackOf(error.cause)}` : own;
}
