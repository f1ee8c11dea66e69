import { Controller } from '@nestjs/common';
import type { Input } from '#platform/contract/operation';
import type { Caller } from '#platform/operations/caller';
import { Operation } from '#platform/operations/operation.decorator';
import { createOrganization, getMembership, listOrganizations } from './contract.ts';
import { OrganizationsService } from './organizations.service.ts';

@Controller()
export class OrganizationsController {
  constructor(private readonly organizations: OrganizationsService) {}

  @Operation(createOrganization)
  create({ name }: Input<typeof createOrganization>, caller: Caller) {
    return this.organizations.create(name, caller);
  }

  @Operation(listOrganizations)
  list(input: Input<typeof listOrganizations>, caller: Caller) {
    return this.organizations.list(input, caller);
  }

  @Operation(getMembership)
  membership({ personId, organizationId }: Input<typeof getMembership>) {
    return this.organizations.getMembership(personId, organizationId);
  }
}
