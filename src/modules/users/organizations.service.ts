import { Injectable } from '@nestjs/common';
import type { Input } from '#platform/contract/operation';
import { Problem } from '#platform/contract/problem';
import { newId } from '#platform/new-id';
import type { Caller } from '#platform/operations/caller';
import { afterCursor, pageOf } from '#platform/operations/cursor';
import { type listOrganizations, OrganizationNotFound } from './contract.ts';
import { OrganizationsRepository } from './organizations.repository.ts';

@Injectable()
export class OrganizationsService {
  constructor(private readonly organizations: OrganizationsRepository) {}

  create(name: string, caller: Caller) {
    return this.organizations.create({ id: newId(), name, owner: caller.personId });
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
