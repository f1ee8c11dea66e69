import { Injectable } from '@nestjs/common';
import type { Input } from '#platform/contract/operation';
import { Problem } from '#platform/contract/problem';
import { newId } from '#platform/new-id';
import type { Caller } from '#platform/operations/caller';
import { afterCursor, pageOf } from '#platform/operations/cursor';
import { type listOrganizations, OrganizationNotFound } from './contract.ts';
import { OrganizationsRepository } from './organizations.repository.ts';
import { PersonEventsService } from './person-events.service.ts';

@Injectable()
export class OrganizationsService {
  constructor(
    private readonly organizations: OrganizationsRepository,
    private readonly events: PersonEventsService,
  ) {}

  async create(name: string, caller: Caller) {
    const organization = await this.organizations.create({ id: newId(), name, owner: caller.personId });
    this.events.tell(caller.personId);
    return organization;
  }

  async list({ limit, cursor }: Input<typeof listOrganizations>, caller: Caller) {
    const rows = await this.organizations.listOf(caller.personId, afterCursor(cursor), limit + 1);
    return pageOf(rows, limit, ({ id }) => id);
  }

  async getMembership(personId: string, organizationId: string | undefined) {
    const membership = await this.organizations.findMembership(personId, organizationId);
    if (!membership) throw new Problem(OrganizationNotFound);
    return membership;
  }
}
