import { Injectable } from '@nestjs/common';
import type { Entry, Head } from '#platform/realtime/channel-handler';
import { Channels } from '#platform/realtime/channels';
import { me, MembershipChanged, ProfileChanged } from './contract.ts';
import { type PersonEventRow, PersonEventsRepository } from './person-events.repository.ts';

/** What happens to people, for their own devices. */
@Injectable()
export class PersonEventsService {
  constructor(
    private readonly events: PersonEventsRepository,
    private readonly channels: Channels,
  ) {}

  heads(personIds: readonly string[]): Promise<Head[]> {
    return this.events.heads(personIds);
  }

  async readAfter(personId: string, seq: string, limit: number): Promise<Entry<typeof me>[]> {
    const rows = await this.events.listAfter(personId, seq, limit);
    return rows.map(entryOf);
  }

  /** Something was written down of the person. */
  tell(personId: string): void {
    this.channels.wake(me, personId);
  }
}

function entryOf({ seq, type, organizationId, name, version, roles, at }: PersonEventRow): Entry<typeof me> {
  if (type === 'profile') return { seq, event: ProfileChanged, item: { type, name: name!, version: version!, at } };
  return { seq, event: MembershipChanged, item: { type, organizationId: organizationId!, roles: roles!, at } };
}
