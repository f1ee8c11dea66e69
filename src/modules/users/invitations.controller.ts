import { Controller } from '@nestjs/common';
import type { Input } from '#platform/contract/operation';
import type { Caller } from '#platform/operations/caller';
import { Operation } from '#platform/operations/operation.decorator';
import { acceptInvitation, checkInvitation, createInvitation } from './contract.ts';
import { InvitationsService } from './invitations.service.ts';

@Controller()
export class InvitationsController {
  constructor(private readonly invitations: InvitationsService) {}

  @Operation(createInvitation)
  create({ roles }: Input<typeof createInvitation>, caller: Caller) {
    return this.invitations.create(roles, caller);
  }

  @Operation(acceptInvitation)
  accept({ token }: Input<typeof acceptInvitation>, caller: Caller) {
    return this.invitations.accept(token, caller.personId);
  }

  @Operation(checkInvitation)
  check({ token, personId }: Input<typeof checkInvitation>) {
    return this.invitations.mustBeOpenTo(token, personId);
  }
}
