import { Injectable } from '@nestjs/common';
import type { z } from 'zod';
import * as users from '#modules/users/contract';
import type { Input, Output } from '#platform/contract/operation';
import { Problem } from '#platform/contract/problem';
import { newId } from '#platform/new-id';
import { type Client, Calls } from '#platform/operations/calls';
import type { Caller } from '#platform/operations/caller';
import { afterCursor, pageOf } from '#platform/operations/cursor';
import {
  type createRoom,
  type listRooms,
  NotRoomMember,
  NotRoomOwner,
  type Room,
  RoomIsPrivate,
  RoomNotFound,
} from './contract.ts';
import { RoomsRepository } from './rooms.repository.ts';

type RoomView = z.output<typeof Room>;

@Injectable()
export class RoomsService {
  private readonly users: Client<typeof users>;

  constructor(
    private readonly rooms: RoomsRepository,
    calls: Calls,
  ) {
    this.users = calls.client(users);
  }

  create({ name, visibility }: Input<typeof createRoom>, caller: Caller): Promise<RoomView> {
    return this.rooms.create({ org: caller.organizationId, id: newId(), name, visibility, personId: caller.personId });
  }

  async list({ limit, cursor }: Input<typeof listRooms>, caller: Caller): Promise<Output<typeof listRooms>> {
    const rows = await this.rooms.list(caller.organizationId, caller.personId, afterCursor(cursor), limit + 1);
    return pageOf(rows, limit, ({ id }) => id);
  }

  /** A private room does not exist for those who are neither in it nor invited. */
  async get(roomId: string, caller: Caller): Promise<RoomView> {
    const room = await this.rooms.find(caller.organizationId, roomId, caller.personId);
    if (!room || (room.visibility === 'private' && room.membership === 'none')) throw new Problem(RoomNotFound);
    return room;
  }

  async mustHaveJoined(roomId: string, caller: Caller): Promise<RoomView> {
    const room = await this.get(roomId, caller);
    if (room.membership !== 'joined') throw new Problem(NotRoomMember);
    return room;
  }

  async invite(roomId: string, personId: string, caller: Caller): Promise<void> {
    await this.mustHaveJoined(roomId, caller);
    await this.users.getUser({ id: personId }, caller);
    await this.rooms.invite(caller.organizationId, roomId, personId, caller.personId);
  }

  async join(roomId: string, caller: Caller): Promise<RoomView> {
    const room = await this.get(roomId, caller);
    if (room.membership === 'joined') return room;
    await this.rooms.join(caller.organizationId, roomId, caller.personId);
    const joined = await this.get(roomId, caller);
    // The invitation was withdrawn between the two looks.
    if (joined.membership !== 'joined') throw new Problem(RoomIsPrivate);
    return joined;
  }

  /** Without effect on who is not in the room. */
  async removeMember(roomId: string, personId: string, caller: Caller): Promise<void> {
    await this.get(roomId, caller);
    const removed = await this.rooms.removeMember(caller.organizationId, roomId, personId, caller.personId);
    if (!removed) throw new Problem(NotRoomOwner);
  }

  async leave(roomId: string, caller: Caller): Promise<void> {
    await this.get(roomId, caller);
    await this.rooms.leave(caller.organizationId, roomId, caller.personId);
  }
}
