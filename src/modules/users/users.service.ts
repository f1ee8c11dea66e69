import { Injectable } from '@nestjs/common';
import type { z } from 'zod';
import type { Input, Output } from '#platform/contract/operation';
import { Unauthenticated, VersionMismatch } from '#platform/contract/platform.problems';
import { Problem } from '#platform/contract/problem';
import { afterCursor, pageOf } from '#platform/operations/cursor';
import type { Caller } from '#platform/operations/caller';
import { type getUsers, type listUsers, type Me, type updateMe, type User, UserNotFound } from './contract.ts';
import { PersonEventsService } from './person-events.service.ts';
import { type PersonRow, UsersRepository } from './users.repository.ts';

@Injectable()
export class UsersService {
  constructor(
    private readonly users: UsersRepository,
    private readonly events: PersonEventsService,
  ) {}

  async getMe(caller: Caller): Promise<z.output<typeof Me>> {
    return asMe(await this.users.findPerson(caller.personId), caller);
  }

  async updateMe({ name, version }: Input<typeof updateMe>, caller: Caller): Promise<z.output<typeof Me>> {
    const person = await this.users.rename(caller.personId, name, version);
    if (!person && version !== undefined) throw new Problem(VersionMismatch);
    if (person) this.events.tell(person.id);
    return asMe(person, caller);
  }

  async get(id: string, caller: Caller): Promise<z.output<typeof User>> {
    const user = await this.users.findMember(caller.organizationId, id);
    if (!user) throw new Problem(UserNotFound);
    return user;
  }

  async getMany(ids: readonly string[], caller: Caller): Promise<Output<typeof getUsers>> {
    return { items: await this.users.findMembers(caller.organizationId, ids) };
  }

  async list({ limit, cursor }: Input<typeof listUsers>, caller: Caller): Promise<Output<typeof listUsers>> {
    const after = afterCursor(cursor);
    const items = await this.users.listMembers(caller.organizationId, after, limit + 1);
    return pageOf(items, limit, ({ id }) => id);
  }
}

function asMe(person: PersonRow | undefined, caller: Caller): z.output<typeof Me> {
  // A valid token of somebody who is no more.
  if (!person) throw new Problem(Unauthenticated);
  return { ...person, organizationId: caller.organizationId, roles: [...caller.roles] };
}
