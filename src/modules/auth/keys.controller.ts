import { Controller } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RawRoute } from '#platform/operations/operation.decorator';
import { keySet } from './contract.ts';
import { KeysService } from './keys.service.ts';

@Controller()
export class KeysController {
  constructor(private readonly keys: KeysService) {}

  @RawRoute(keySet)
  keySet(_request: FastifyRequest, reply: FastifyReply) {
    reply.header('cache-control', 'public, max-age=300');
    return JSON.stringify({ keys: this.keys.published() });
  }
}
