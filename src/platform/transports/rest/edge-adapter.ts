import { FastifyAdapter } from '@nestjs/platform-fastify';

/** Nest's adapter, with errors, unknown paths and bodies left to the edge: one form of problem, whoever finds it. */
export class EdgeAdapter extends FastifyAdapter {
  override setErrorHandler(): any {}
  override setNotFoundHandler(): any {}
  override registerParserMiddleware(): void {}
}
