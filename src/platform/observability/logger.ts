import { type Logger, type LoggerOptions, pino } from 'pino';
import { PinoPretty } from 'pino-pretty';
import type { Config } from '#config/config';
import { ecsBase, ecsOptions, isoNow, prettyOptions } from './log-format.ts';
import { type LogFile, openLogFile } from './log-file.ts';
import { redactObject, scrubLine } from './redaction.ts';
import { currentRequest } from './request-context.ts';
import { fastRequestLogOf, type LogRequest, prettyRequestLogOf } from './request-log.ts';

export type { Logger } from 'pino';

export type LogSettings = Pick<Config, 'LOG_LEVEL' | 'LOG_FORMAT' | 'LOG_FILE' | 'NODE_ENV' | 'OTEL_SERVICE_NAME'>;

/** The log of this process. Every line carries the ids of the request that it was written in. */
export interface ProcessLog {
  logger: Logger;
  request: LogRequest;
  /** Writes what is still in memory and lets go of the file; call it last. */
  close: () => Promise<void>;
}

/**
 * Makes the log: Elastic Common Schema in JSON, or coloured lines for people; to standard output or to `LOG_FILE`. JSON is
 * buffered: written every half second, when 64 KB are full, and when the process ends. `to` takes the JSON lines elsewhere.
 */
export function createLog(settings: LogSettings, to?: { write: (line: string) => void }): ProcessLog {
  if (to) return jsonLog(settings, { write: (line) => to.write(line), flushSync: () => {}, close: async () => {} });
  return settings.LOG_FORMAT === 'pretty' ? prettyLog(settings) : jsonLog(settings, openLogFile(settings.LOG_FILE));
}

function prettyLog(settings: LogSettings): ProcessLog {
  const file = settings.LOG_FILE;
  // A stream, not a worker thread: a worker would lose the last lines of a Ctrl-C.
  const stream = PinoPretty({
    destination: file ?? 1,
    mkdir: true,
    append: true,
    sync: true,
    colorize: file === undefined && process.stdout.isTTY,
    ignore: 'pid,hostname',
    singleLine: true,
    translateTime: 'SYS:HH:MM:ss.l',
  });
  const logger = withRedactedChildren(
    pino({ ...prettyOptions(), ...shared(settings), hooks: { streamWrite: scrubLine } }, stream),
  );
  return { logger, request: prettyRequestLogOf(logger), close: async () => void stream.end() };
}

function jsonLog(settings: LogSettings, file: LogFile): ProcessLog {
  const stream = { write: (line: string) => file.write(scrubLine(line)), flushSync: file.flushSync };
  const base = ecsBase(settings);
  const logger = withRedactedChildren(pino({ ...ecsOptions(base), ...shared(settings) }, stream));
  return { logger, request: fastRequestLogOf(logger, base, isoNow, file.write), close: file.close };
}

const shared = ({ LOG_LEVEL }: LogSettings): LoggerOptions => ({
  level: LOG_LEVEL,
  mixin: requestFields,
  mixinMergeStrategy: withRequest,
});

const OUTSIDE = Object.freeze({});

function requestFields(): object {
  const request = currentRequest();
  return request === undefined ? OUTSIDE : { 'trace.id': request.traceId, 'http.request.id': request.requestId };
}

function withRequest(line: object, request: object): object {
  return request === OUTSIDE ? line : Object.assign(request, line);
}

/** pino's own `formatters.bindings` sees the bindings of the first logger only, not those of its children. */
function withRedactedChildren(logger: Logger): Logger {
  const { child } = logger;
  logger.child = function redactedChild(this: Logger, bindings: object, options?: object) {
    return child.call(this, redactObject(bindings), options as never);
  } as Logger['child'];
  return logger;
}
