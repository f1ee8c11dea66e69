import type { ParamsOf } from '#platform/contract/channel';
import type { Caller } from '#platform/operations/caller';
import { Channel, type ChannelHandler } from '#platform/realtime/channel-handler';
import { me } from './contract.ts';
import { PersonEventsService } from './person-events.service.ts';

@Channel(me)
export class MeChannel implements ChannelHandler<typeof me> {
  constructor(private readonly events: PersonEventsService) {}

  authorize(_params: ParamsOf<typeof me>, caller: Caller) {
    return caller.personId;
  }

  heads(personIds: readonly string[]) {
    return this.events.heads(personIds);
  }

  readAfter(personId: string, seq: string, limit: number) {
    return this.events.readAfter(personId, seq, limit);
  }
}
