import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { Channel, type ChannelHandler, Channels, FondasiModule, type ParamsOf } from 'fondasi';
import * as contract from './room.contract.ts';
import { FIRST, messageOf } from './messages.ts';

/** Says things in rooms the way a module does that has written them into its database. */
@Injectable()
export class Talk {
  private readonly seqs = new Map<string, number>();

  constructor(private readonly channels: Channels) {}

  seqOf(room: string): number {
    return this.seqs.get(room) ?? FIRST;
  }

  say(room: string): void {
    const seq = this.seqOf(room) + 1;
    this.seqs.set(room, seq);
    const item = messageOf(seq);
    this.channels.publish(contract.room, [{ key: room, entries: [{ seq: item.seq, event: contract.Said, item }] }]);
  }
}

@Channel(contract.room)
class RoomChannel implements ChannelHandler<typeof contract.room> {
  constructor(private readonly talk: Talk) {}

  authorize({ room }: ParamsOf<typeof contract.room>): string {
    return room;
  }

  async heads(keys: readonly string[]) {
    return keys.map((key) => ({ key, seq: String(this.talk.seqOf(key)) }));
  }

  async readAfter() {
    return [];
  }
}

@FondasiModule({
  name: 'talk',
  summary: 'What is measured.',
  contract,
  // Compiled, this file is in `.cache/bench/realtime`.
  migrations: join(import.meta.dirname, '../../../bench/realtime/migrations'),
  providers: [RoomChannel, Talk],
})
export class BenchRoomModule {}
