import type { FastifyInstance } from 'fastify';

/** @throws Error for text that is no JSON, or that would poison a prototype */
export type ParseJson = (text: string) => unknown;

/** Fastify's own parser, as bodies over REST go through, for JSON that comes some other way. */
export function jsonParser(app: FastifyInstance): ParseJson {
  const parse = app.getDefaultJsonParser('error', 'error');
  return (text) => {
    let failed: Error | null = null;
    let value: unknown;
    void parse(undefined as never, text, (error, body) => {
      failed = error;
      value = body;
    });
    if (failed) throw failed as Error;
    return value;
  };
}

const SUSPECT = /__proto__|constructor|\\u/;

/** Whether the text is poisoned, for a library that parses by itself. Nearly all text is known to be clean at a glance. */
export function isPoisoned(text: string, parse: ParseJson): boolean {
  if (!SUSPECT.test(text)) return false;
  try {
    parse(text);
    return false;
  } catch {
    return true;
  }
}
