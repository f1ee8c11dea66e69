import { Injectable } from '@nestjs/common';
import type { z } from 'zod';
import * as users from '#modules/users/contract';
import type { Input, Output } from '#platform/contract/operation';
import { Problem } from '#platform/contract/problem';
import { newId } from '#platform/new-id';
import { type Client, Calls } from '#platform/operations/calls';
import type { Caller } from '#platform/operations/caller';
import type { Entry } from '#platform/realtime/channel-handler';
import { Channels } from '#platform/realtime/channels';
import { afterCursor, pageOf } from '#platform/operations/cursor';
import {
  type createRoom,
  type listRooms,
  NotRoomMember,
  NotRoomOwner,
  type Room,
  room,
  RoomIsPrivate,
  RoomNotFound,
} from './contract.ts';
import { memberJoined, memberLeft, streamKey } from './room-events.rules.ts';
import { RoomsRepository } from './rooms.repository.ts';

type RoomView = z.output<typeof Room>;

@Injectable()
export class RoomsService {
  private readonly users: Client<typeof users>;

  constructor(
    private readonly rooms: RoomsRepository,
    private readonly channels: Channels,
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
    const found = await this.rooms.find(caller.organizationId, roomId, caller.personId);
    if (!found || (found.visibility === 'private' && found.membership === 'none')) throw new Problem(RoomNotFound);
    return found;
  }

  async mustHaveJoined(roomId: string, caller: Caller): Promise<RoomView> {
    const found = await this.get(roomId, caller);
    if (found.membership !== 'joined') throw new Problem(NotRoomMember);
    return found;
  }

  async invite(roomId: string, personId: string, caller: Caller): Promise<void> {
    await this.mustHaveJoined(roomId, caller);
    await this.users.getUser({ id: personId }, caller);
    await this.rooms.invite(caller.organizationId, roomId, personId, caller.personId);
  }

  async join(roomId: string, caller: Caller): Promise<RoomView> {
    const found = await this.get(roomId, caller);
    if (found.membership === 'joined') return found;
    const { organizationId: org, personId } = caller;
    const event = await this.rooms.join(org, roomId, personId);
    if (event) this.tell(org, roomId, memberJoined({ ...event, personId }));
    const joined = await this.get(roomId, caller);
    // The invitation was withdrawn between the two looks.
    if (joined.membership !== 'joined') throw new Problem(RoomIsPrivate);
    return joined;
  }

  /** Without effect on who is not in the room. */
  async removeMember(roomId: string, personId: string, caller: Caller): Promise<void> {
    await this.get(roomId, caller);
    const { organizationId: org, personId: by } = caller;
    const event = await this.rooms.removeMember(org, roomId, personId, by);
    if (event === 'not-owner') throw new Problem(NotRoomOwner);
    if (event) this.tell(org, roomId, memberLeft({ ...event, personId, by }));
  }

  async leave(roomId: string, caller: Caller): Promise<void> {
    await this.get(roomId, caller);
    const { organizationId: org, personId } = caller;
    const event = await this.rooms.leave(org, roomId, personId);
    if (event) this.tell(org, roomId, memberLeft({ ...event, personId, by: personId }));
  }

  private tell(org: string, roomId: string, entry: Entry<typeof room>) {
    this.channels.publish(room, [{ key: streamKey(org, roomId), entries: [entry] }]);
  }
}
