import { Controller } from '@nestjs/common';
import type { Input } from '#platform/contract/operation';
import type { Caller } from '#platform/operations/caller';
import { Operation } from '#platform/operations/operation.decorator';
import { createRoom, getRoom, inviteToRoom, joinRoom, leaveRoom, removeMember, listRooms } from './contract.ts';
import { RoomsService } from './rooms.service.ts';

@Controller()
export class RoomsController {
  constructor(private readonly rooms: RoomsService) {}

  @Operation(createRoom)
  create(input: Input<typeof createRoom>, caller: Caller) {
    return this.rooms.create(input, caller);
  }

  @Operation(listRooms)
  list(input: Input<typeof listRooms>, caller: Caller) {
    return this.rooms.list(input, caller);
  }

  @Operation(getRoom)
  get({ roomId }: Input<typeof getRoom>, caller: Caller) {
    return this.rooms.get(roomId, caller);
  }

  @Operation(inviteToRoom)
  invite({ roomId, personId }: Input<typeof inviteToRoom>, caller: Caller) {
    return this.rooms.invite(roomId, personId, caller);
  }

  @Operation(joinRoom)
  join({ roomId }: Input<typeof joinRoom>, caller: Caller) {
    return this.rooms.join(roomId, caller);
  }

  @Operation(leaveRoom)
  leave({ roomId }: Input<typeof leaveRoom>, caller: Caller) {
    return this.rooms.leave(roomId, caller);
  }

  @Operation(removeMember)
  removeMember({ roomId, personId }: Input<typeof removeMember>, caller: Caller) {
    return this.rooms.removeMember(roomId, personId, caller);
  }
}
