import { Injectable } from '@nestjs/common';
import type { ChannelDefinition } from '../contract/channel.ts';
import { afterCommit } from '../database/scope.ts';
import type { Entry } from './channel-handler.ts';
import { Hub } from './hub.ts';

/** How a module tells who follows its channels that something happened. Inside a transaction it is told once that is committed. */
@Injectable()
export class Channels {
  constructor(private readonly hub: Hub) {}

  /** Entries that are in the database now, by the key of their stream and in their order. */
  publish<C extends ChannelDefinition<any, any>>(
    channel: C,
    published: readonly { key: string; entries: readonly Entry<C>[] }[],
  ): void {
    afterCommit(() => this.hub.publish(channel.name, published));
  }

  /** Something was added to the stream; who follows it has it read from the database. */
  wake(channel: ChannelDefinition<any, any>, key: string): void {
    afterCommit(() => this.hub.publish(channel.name, [{ key, entries: [] }]));
  }
}
