import { Controller } from '@nestjs/common';
import type { Input } from '#platform/contract/operation';
import { Operation } from '#platform/operations/operation.decorator';
import { findOwner, registerPerson } from './contract.ts';
import { RegistrationService } from './registration.service.ts';

@Controller()
export class RegistrationController {
  constructor(private readonly registration: RegistrationService) {}

  @Operation(registerPerson)
  register(input: Input<typeof registerPerson>) {
    return this.registration.register(input);
  }

  @Operation(findOwner)
  async findOwner() {
    return { found: await this.registration.hasOwner() };
  }
}
