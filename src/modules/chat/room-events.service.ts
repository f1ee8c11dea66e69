import { Injectable } from '@nestjs/common';
import type { Caller } from '#platform/operations/caller';
import type { Entry, Head } from '#platform/realtime/channel-handler';
import type { room } from './contract.ts';
import { type RoomEventRow, RoomEventsRepository } from './room-events.repository.ts';
import { memberJoined, memberLeft, messagePosted, ofStreamKey, streamKey } from './room-events.rules.ts';
import { RoomsService } from './rooms.service.ts';

/** What happens in rooms, for those who follow them. */
@Injectable()
export class RoomEventsService {
  constructor(
    private readonly events: RoomEventsRepository,
    private readonly rooms: RoomsService,
  ) {}

  async streamFor(roomId: string, caller: Caller): Promise<string> {
    const { id } = await this.rooms.mustHaveJoined(roomId, caller);
    return streamKey(caller.organizationId, id);
  }

  async heads(keys: readonly string[]): Promise<Head[]> {
    const rows = await this.events.heads(keys.map(ofStreamKey));
    return rows.map(({ org, room, seq }) => ({ key: streamKey(org, room), seq }));
  }

  async readAfter(key: string, seq: string, limit: number): Promise<Entry<typeof room>[]> {
    const { org, room: roomId } = ofStreamKey(key);
    const rows = await this.events.listAfter(org, roomId, seq, limit);
    return rows.map((row) => entryOf(row, roomId));
  }
}

function entryOf({ type, id, seq, sender, personId, text, at }: RoomEventRow, roomId: string): Entry<typeof room> {
  if (type === 'joined') return memberJoined({ seq, personId: personId!, at });
  if (type === 'left') return memberLeft({ seq, personId: personId!, by: sender, at });
  return messagePosted({ id, roomId, seq, authorId: sender, text: text!, postedAt: at });
}
