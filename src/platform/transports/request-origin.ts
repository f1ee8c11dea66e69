import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Origin, Transport } from '../operations/caller.ts';

/** Where an HTTP request comes from that is one call; kept with the request, for its line in the log. */
export const originOf = (request: FastifyRequest, reply: FastifyReply, transport: Transport): Origin =>
  (request.origin = {
    requestId: request.id,
    address: request.ip,
    transport,
    native: { request, reply },
    caller: undefined,
  });
