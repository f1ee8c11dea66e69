import { Controller } from '@nestjs/common';
import type { Input } from '#platform/contract/operation';
import type { Caller } from '#platform/operations/caller';
import { Operation } from '#platform/operations/operation.decorator';
import { getMe, getUser, getUsers, listUsers, updateMe } from './contract.ts';
import { UsersService } from './users.service.ts';

@Controller()
export class UsersController {
  constructor(private readonly users: UsersService) {}

  @Operation(getMe)
  me(_input: Input<typeof getMe>, caller: Caller) {
    return this.users.getMe(caller);
  }

  @Operation(updateMe)
  update(input: Input<typeof updateMe>, caller: Caller) {
    return this.users.updateMe(input, caller);
  }

  @Operation(getUser)
  get({ id }: Input<typeof getUser>, caller: Caller) {
    return this.users.get(id, caller);
  }

  @Operation(getUsers)
  getMany({ ids }: Input<typeof getUsers>, caller: Caller) {
    return this.users.getMany(ids, caller);
  }

  @Operation(listUsers)
  list(input: Input<typeof listUsers>, caller: Caller) {
    return this.users.list(input, caller);
  }
}
