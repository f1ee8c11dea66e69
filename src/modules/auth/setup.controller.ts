import { Controller } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Input } from '#platform/contract/operation';
import type { Caller } from '#platform/operations/caller';
import { Operation, RawRoute } from '#platform/operations/operation.decorator';
import { setUp, setupPage } from './contract.ts';
import { SETUP_PAGE, SETUP_PAGE_POLICY } from './setup-page.ts';
import { SetupService } from './setup.service.ts';

@Controller()
export class SetupController {
  constructor(private readonly setup: SetupService) {}

  @Operation(setUp)
  setUp(input: Input<typeof setUp>, caller: Caller) {
    return this.setup.setUp(input, caller);
  }

  @RawRoute(setupPage)
  page(_request: FastifyRequest, reply: FastifyReply) {
    reply.header('content-security-policy', SETUP_PAGE_POLICY).header('cache-control', 'no-store');
    return SETUP_PAGE;
  }
}
