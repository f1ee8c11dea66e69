import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino';
import { PinoPretty } from 'pino-pretty';
import type { Config } from '#config/config';
import { ecsOptions, prettyOptions } from './log-format.ts';
import { scrubLine } from './redaction.ts';
import { currentRequest } from './request-context.ts';

export type { Logger } from 'pino';

export type LogSettings = Pick<Config, 'LOG_LEVEL' | 'LOG_FORMAT' | 'LOG_FILE' | 'NODE_ENV' | 'OTEL_SERVICE_NAME'>;

/** How long a line may wait in memory before it is written; what is logged as fatal is written at once. */
const FLUSH_MS = 500;
const BUFFER_BYTES = 8_192;

/** The log of this process. Every line carries the ids of the request that it was written in. */
export interface ProcessLog {
  logger: Logger;
  /** Writes what is still in memory; call it last. */
  flush: () => void;
}

/**
 * Makes the log: Elastic Common Schema in JSON, or coloured lines for people; to standard output or to `LOG_FILE`. JSON is
 * buffered (written every half second, when 8 KB are full, and when the process ends).
 */
export function createLog(settings: LogSettings, to?: DestinationStream): ProcessLog {
  const format = settings.LOG_FORMAT === 'pretty' ? prettyOptions() : ecsOptions(settings);
  const options: LoggerOptions = {
    ...format,
    level: settings.LOG_LEVEL,
    mixin: requestFields,
    mixinMergeStrategy: withRequest,
    hooks: { streamWrite: scrubLine },
  };
  if (to) return { logger: pino(options, to), flush: () => {} };
  if (settings.LOG_FORMAT === 'pretty') return { logger: pino(options, prettyStream(settings.LOG_FILE)), flush: () => {} };

  const destination = pino.destination({
    dest: settings.LOG_FILE ?? 1,
    mkdir: true,
    sync: false,
    minLength: BUFFER_BYTES,
    periodicFlush: FLUSH_MS,
  });
  if (settings.LOG_FILE !== undefined) process.on('SIGHUP', () => destination.reopen());
  return { logger: pino(options, destination), flush: () => destination.flushSync() };
}

function prettyStream(file: string | undefined): DestinationStream {
  return PinoPretty({
    destination: file ?? 1,
    mkdir: true,
    append: true,
    sync: true,
    colorize: file === undefined && process.stdout.isTTY,
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss.l',
  });
}

const OUTSIDE = Object.freeze({});

function requestFields(): object {
  const request = currentRequest();
  return request === undefined ? OUTSIDE : { 'trace.id': request.traceId, 'http.request.id': request.requestId };
}

function withRequest(line: object, request: object): object {
  return request === OUTSIDE ? line : Object.assign(request, line);
}
