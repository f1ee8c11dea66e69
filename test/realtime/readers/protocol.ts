import type { Person } from '../../support/person.ts';

/** Where a process of the product listens. */
export interface Place {
  readonly url: string;
  readonly grpcPort: number;
}

/** What happened in a room, told alike whatever the protocol. */
export interface RoomItem {
  readonly seq: string;
  readonly type: 'message' | 'joined' | 'left';
  /** Of the message, or of whoever joined or left. */
  readonly id: string;
  readonly text?: string;
}

/** What is told to who follows a room. */
export interface Listener {
  /** Subscribed, behind `cursor`; with `reset` items before it were left out. */
  began(cursor: string, reset: boolean): void;
  item(item: RoomItem, cursor: string): void;
  /** It is over, or never began; `code` is the problem's, where one was told. */
  ended(code: string | undefined): void;
}

export interface Connection {
  /** The client is gone, without a good-bye. */
  drop(): void;
}

/** A way to follow `chat.room`. It tells of nothing before `follow` has returned. */
export interface Protocol {
  readonly name: string;
  follow(place: Place, person: Person, roomId: string, after: string | undefined, listener: Listener): Connection;
}

/** An item of JSON with the tag `type`. */
export function roomItem(item: any): RoomItem {
  const { type } = item;
  if (type !== 'message') return { seq: item.seq, type, id: item.personId };
  const { seq, id, text } = item.message;
  return { seq, type, id, text };
}
