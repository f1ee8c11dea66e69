import type { ParamsOf } from '#platform/contract/channel';
import type { Caller } from '#platform/operations/caller';
import { Channel, type ChannelHandler } from '#platform/realtime/channel-handler';
import { room } from './contract.ts';
import { RoomEventsService } from './room-events.service.ts';

@Channel(room)
export class RoomChannel implements ChannelHandler<typeof room> {
  constructor(private readonly events: RoomEventsService) {}

  authorize({ roomId }: ParamsOf<typeof room>, caller: Caller) {
    return this.events.streamFor(roomId, caller);
  }

  heads(keys: readonly string[]) {
    return this.events.heads(keys);
  }

  readAfter(key: string, seq: string, limit: number) {
    return this.events.readAfter(key, seq, limit);
  }
}
