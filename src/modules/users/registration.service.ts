import { Injectable } from '@nestjs/common';
import { DEFAULT_ORGANIZATION } from '#platform/contract/access';
import type { Input } from '#platform/contract/operation';
import { Problem } from '#platform/contract/problem';
import { InvitationNotFound, OwnerExists, type registerPerson } from './contract.ts';
import { InvitationsService } from './invitations.service.ts';
import { RegistrationRepository } from './registration.repository.ts';

@Injectable()
export class RegistrationService {
  constructor(
    private readonly registration: RegistrationRepository,
    private readonly invitations: InvitationsService,
  ) {}

  /** Records the person and their first membership. Each step may be repeated. */
  async register({ id, name, email, as, invitation }: Input<typeof registerPerson>): Promise<void> {
    const person = { id, name, email };
    if (as === 'firstOwner') {
      const made = await this.registration.registerFirstOwner(person, DEFAULT_ORGANIZATION);
      if (!made) throw new Problem(OwnerExists);
    } else if (as === 'member') await this.registration.register(person, DEFAULT_ORGANIZATION);
    else {
      if (invitation === undefined) throw new Problem(InvitationNotFound);
      await this.invitations.mustBeOpenTo(invitation, id);
      // The person first: an invitation is used up by somebody who exists.
      await this.registration.register(person, undefined);
      await this.invitations.accept(invitation, id);
    }
  }

  hasOwner(): Promise<boolean> {
    return this.registration.hasOwner(DEFAULT_ORGANIZATION);
  }
}
