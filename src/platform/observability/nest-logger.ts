import type { LoggerService } from '@nestjs/common';
import type { Logger } from 'pino';

/** Nest's own messages, and those of a module that uses Nest's `Logger`, in the log of the platform. */
export class NestLogger implements LoggerService {
  private readonly logger: Logger;

  constructor(logger: Logger) {
    this.logger = logger;
  }

  /** Nest reports every module and route at start: of use when the wiring is wrong, noise otherwise. */
  log(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    // Whoever called listen() gets the error, too, and says what to do about it.
    if (rest.at(-1) === 'NestApplication' && String(message).startsWith('Error: listen ')) return;
    this.write('error', message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('trace', message, rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }

  /** Nest passes the name of the logging class last, and for errors the stack before it. */
  private write(level: 'trace' | 'debug' | 'warn' | 'error' | 'fatal', message: unknown, rest: unknown[]): void {
    if (!this.logger.isLevelEnabled(level)) return;
    const context = typeof rest.at(-1) === 'string' ? (rest.at(-1) as string) : undefined;
    const details = rest.slice(0, context === undefined ? undefined : -1).filter((detail) => detail !== undefined);
    const error = [message, ...details].find((part) => part instanceof Error);
    const stack = error ? undefined : details.find((part) => typeof part === 'string' && part.includes('\n    at '));
    const fields = {
      ...(context !== undefined && { 'log.logger': context }),
      ...(error && { err: error }),
      ...(stack !== undefined && { 'error.stack_trace': stack }),
    };
    this.logger[level](fields, textOf(message));
  }
}

function textOf(message: unknown): string {
  if (typeof message === 'string') return message;
  return message instanceof Error ? message.message : JSON.stringify(message);
}
