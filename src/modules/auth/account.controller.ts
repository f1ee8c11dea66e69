import { Controller } from '@nestjs/common';
import type { Input } from '#platform/contract/operation';
import type { Caller } from '#platform/operations/caller';
import { Operation } from '#platform/operations/operation.decorator';
import { AccountService } from './account.service.ts';
import { signUp } from './contract.ts';

@Controller()
export class AccountController {
  constructor(private readonly accounts: AccountService) {}

  @Operation(signUp)
  signUp(input: Input<typeof signUp>, caller: Caller) {
    return this.accounts.signUp(input, caller);
  }
}
