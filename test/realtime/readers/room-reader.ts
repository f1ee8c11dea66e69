import type { Person } from '../../support/person.ts';
import { client } from './client.ts';
import { graphql } from './graphql.ts';
import { grpc } from './grpc.ts';
import type { Connection, Place, Protocol, RoomItem } from './protocol.ts';
import { until } from '../room.ts';
import { sse } from './sse.ts';
import { websocket } from './websocket.ts';

/** Every way to follow a room. */
export const PROTOCOLS: readonly Protocol[] = [websocket, sse, graphql, grpc, client];

/** The process stops, is away, or the network is: worth another try. Any other problem is final. */
const PASSING = new Set([undefined, 'platform/unavailable', 'platform/subscriber-too-slow', 'platform/too-many-requests']);

/** Somebody who follows a room over one protocol, and keeps all that comes. */
export class RoomReader {
  readonly items: RoomItem[] = [];
  /** Where it was told that items were left out. */
  readonly resets: string[] = [];
  ended: { readonly code: string | undefined } | undefined;
  isLive = false;
  cursor: string | undefined;
  /** How often it has connected. */
  connections = 0;
  readonly protocol: Protocol;
  readonly person: Person;
  readonly roomId: string;
  private connection: Connection | undefined;
  private onEnded: (() => void) | undefined;

  constructor(protocol: Protocol, person: Person, roomId: string) {
    this.protocol = protocol;
    this.person = person;
    this.roomId = roomId;
  }

  get texts(): string[] {
    return this.items.flatMap(({ text }) => text ?? []);
  }

  /** Follows the room, behind the last cursor where there is one. */
  connect(place: Place): void {
    this.drop();
    this.ended = undefined;
    const connection: Connection = { drop: () => made.drop() };
    this.connection = connection;
    this.connections++;
    // What is under way when the client goes does not reach it.
    const ifThere = (tell: () => void) => void (this.connection === connection && tell());
    const made = this.protocol.follow(place, this.person, this.roomId, this.cursor, {
      began: (cursor, reset) => ifThere(() => this.began(cursor, reset)),
      item: (item, cursor) => ifThere(() => this.keep(item, cursor)),
      ended: (code) => ifThere(() => this.end(code)),
    });
  }

  /** Connected, and told where it stands. */
  async live(place: Place): Promise<this> {
    this.connect(place);
    await until(() => {
      if (!this.isLive) throw new Error(`${this.protocol.name} does not follow the room: ${JSON.stringify(this.ended)}`);
    });
    return this;
  }

  /** Goes offline. */
  drop(): void {
    const { connection } = this;
    this.connection = undefined;
    this.isLive = false;
    connection?.drop();
  }

  /** From now on whoever is sent away comes back, to a place of the moment. */
  stay(places: () => Place, pause: () => number): void {
    this.onEnded = () => {
      if (PASSING.has(this.ended?.code)) this.comeBack(places, pause());
    };
  }

  /** Connects in so many milliseconds, unless it has left or is connected by then. */
  comeBack(places: () => Place, milliseconds: number): void {
    setTimeout(() => {
      if (this.onEnded && !this.connection) this.connect(places());
    }, milliseconds);
  }

  leave(): void {
    this.onEnded = undefined;
    this.drop();
  }

  private began(cursor: string, reset: boolean) {
    this.isLive = true;
    this.cursor = cursor;
    if (reset) this.resets.push(cursor);
  }

  private keep(item: RoomItem, cursor: string) {
    this.items.push(item);
    this.cursor = cursor;
  }

  private end(code: string | undefined) {
    this.drop();
    this.ended = { code };
    this.onEnded?.();
  }
}
