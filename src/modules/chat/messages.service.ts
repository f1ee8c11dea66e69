import { Injectable } from '@nestjs/common';
import type { Input, Output } from '#platform/contract/operation';
import { Problem } from '#platform/contract/problem';
import { NaturalBatches } from '#platform/database/natural-batches';
import { newId } from '#platform/new-id';
import type { Caller } from '#platform/operations/caller';
import { afterCursor, pageOf } from '#platform/operations/cursor';
import type { Entry } from '#platform/realtime/channel-handler';
import { Channels } from '#platform/realtime/channels';
import { ClientIdReused, type listMessages, NotRoomMember, type postMessage, room, RoomNotFound } from './contract.ts';
import { type Append, type Appended, MessagesRepository } from './messages.repository.ts';
import { messagePosted, streamKey } from './room-events.rules.ts';
import { RoomsService } from './rooms.service.ts';

/** Batches that are committed at the same time. */
const LANES = 2;
const SEQ = /^\d{1,18}$/;

@Injectable()
export class MessagesService {
  private readonly lanes: readonly NaturalBatches<Append, Appended>[];

  constructor(
    private readonly messages: MessagesRepository,
    private readonly rooms: RoomsService,
    private readonly channels: Channels,
  ) {
    const lane = () => new NaturalBatches<Append, Appended>((appends) => this.append(appends), { lanes: 1 });
    this.lanes = Array.from({ length: LANES }, lane);
  }

  async post({ roomId, clientId, text }: Input<typeof postMessage>, caller: Caller): Promise<Output<typeof postMessage>> {
    const { organizationId, personId: authorId } = caller;
    const appended = await this.laneOf(roomId).add({ organizationId, roomId, authorId, clientId, id: newId(), text });
    if (appended.outcome === 'no-room') throw new Problem(RoomNotFound);
    if (appended.outcome === 'not-member') throw new Problem(NotRoomMember);
    if (appended.text !== text) throw new Problem(ClientIdReused);
    const { id, seq, at } = appended;
    return { id, roomId, seq, authorId, text, postedAt: at };
  }

  async list({ roomId, order, limit, cursor }: Input<typeof listMessages>, caller: Caller): Promise<Output<typeof listMessages>> {
    await this.rooms.mustHaveJoined(roomId, caller);
    const after = afterCursor(cursor, SEQ);
    const rows = await this.messages.list(caller.organizationId, roomId, order, after, limit + 1);
    return pageOf(rows, limit, ({ seq }) => seq);
  }

  private async append(appends: readonly Append[]): Promise<Appended[]> {
    const results = await this.messages.append(appends);
    const posted = new Map<string, Entry<typeof room>[]>();
    results.forEach((result, index) => {
      if (result.outcome !== 'posted') return;
      const { organizationId, roomId, authorId } = appends[index]!;
      const { id, seq, text, at } = result;
      const key = streamKey(organizationId, roomId);
      const entries = posted.get(key) ?? [];
      if (entries.length === 0) posted.set(key, entries);
      entries.push(messagePosted({ id, roomId, seq, authorId, text, postedAt: at }));
    });
    this.channels.publish(
      room,
      [...posted].map(([key, entries]) => ({ key, entries })),
    );
    return results;
  }

  /** A batch locks its rooms until it is committed. A room is in one lane, so that no batch waits for another one's disk. */
  private laneOf(roomId: string) {
    return this.lanes[Number.parseInt(roomId.slice(-1), 16) % LANES]!;
  }
}
