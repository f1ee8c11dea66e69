import { Injectable } from '@nestjs/common';
import type { ChannelDefinition, ItemOf, ParamsOf } from '../contract/channel.ts';
import type { EventDefinition } from '../contract/event.ts';
import type { Caller } from '../operations/caller.ts';

/** One place in a stream: what happened, and what its subscribers get. */
export interface Entry<C extends ChannelDefinition<any, any> = ChannelDefinition> {
  /** 1, 2, 3 within the stream, without gaps: from the row lock that makes the entry, never from a database sequence. */
  readonly seq: string;
  /** One of the channel's events. */
  readonly event: EventDefinition<any>;
  /** Whom it is about; required where the event is one of `revokedBy`. */
  readonly personId?: string;
  readonly item: ItemOf<C>;
}

export interface Head {
  readonly key: string;
  /** Number of the newest entry; `0` where there is none. */
  readonly seq: string;
}

/** What stands behind a channel: a provider with `@Channel(contract)`. A stream of the channel is named by a key: text of the module's, one line, at most 1,000 characters. */
export interface ChannelHandler<C extends ChannelDefinition<any, any>> {
  /**
   * The key of the stream that the caller asks for. Asked again when an event of `revokedBy` is about the caller.
   * @throws Problem for who may not follow it
   */
  authorize(params: ParamsOf<C>, caller: Caller): Promise<string> | string;
  /** The newest entry of each stream; a stream that is gone is left out. Asked of all streams in use every other second. */
  heads(keys: readonly string[]): Promise<Head[]>;
  /** Up to `limit` entries with a number above `seq`, in their order. Where older ones are not kept, those that are. */
  readAfter(key: string, seq: string, limit: number): Promise<Entry<C>[]>;
}

const CHANNEL = Symbol('fondasi:channel');

/** The class serves the channel, in every protocol. The compiler checks it against the contract. */
export const Channel =
  <C extends ChannelDefinition<any, any>>(contract: C) =>
  <T extends new (...args: any[]) => ChannelHandler<C>>(target: T): void => {
    Injectable()(target);
    Reflect.defineMetadata(CHANNEL, contract, target);
  };

export const channelOf = (target: object): ChannelDefinition | undefined => Reflect.getMetadata(CHANNEL, target);
