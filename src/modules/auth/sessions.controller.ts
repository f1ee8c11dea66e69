import { Controller } from '@nestjs/common';
import type { Input } from '#platform/contract/operation';
import type { Caller } from '#platform/operations/caller';
import { Operation } from '#platform/operations/operation.decorator';
import { refresh, signIn, signOut, switchOrganization } from './contract.ts';
import { SessionsService } from './sessions.service.ts';

@Controller()
export class SessionsController {
  constructor(private readonly sessions: SessionsService) {}

  @Operation(signIn)
  signIn(input: Input<typeof signIn>, caller: Caller) {
    return this.sessions.signIn(input, caller);
  }

  @Operation(refresh)
  refresh({ refreshToken }: Input<typeof refresh>, caller: Caller) {
    return this.sessions.refresh(refreshToken, caller);
  }

  @Operation(signOut)
  signOut(_input: Input<typeof signOut>, caller: Caller) {
    return this.sessions.signOut(caller);
  }

  @Operation(switchOrganization)
  switchOrganization({ organizationId }: Input<typeof switchOrganization>, caller: Caller) {
    return this.sessions.switchOrganization(organizationId, caller);
  }
}
