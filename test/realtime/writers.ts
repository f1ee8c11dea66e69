import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Person } from '../support/person.ts';
import type { Place } from './readers/protocol.ts';

/** Somebody may post 20 messages in 10 s: with what they repeat, this often stays below. */
const PAUSE_MS = 650;
/** Before it is tried again. */
const AGAIN_MS = 100;

export interface Acknowledged {
  readonly id: string;
  readonly roomId: string;
  readonly seq: string;
  readonly text: string;
}

const TEXTS = ['Halo', 'สวัสดี', '👩‍👩‍👧‍👦', 'a\u0300b', '"quoted"\n\\', '\u2028', '𝒳'];

/** People who post over REST, to whatever process answers, each message under one client id until it is acknowledged. */
export class Writers {
  /** By client id. */
  readonly acknowledged = new Map<string, Acknowledged>();
  /** How often a message was sent again. */
  repeated = 0;
  private readonly people: readonly Person[];
  private readonly rooms: readonly string[];
  private readonly places: () => Place;
  private readonly random: () => number;

  constructor(people: readonly Person[], rooms: readonly string[], places: () => Place, random: () => number) {
    this.people = people;
    this.rooms = rooms;
    this.places = places;
    this.random = random;
  }

  /** Until it is over, and everything is acknowledged. The last of them comes and goes instead of posting. */
  async write(over: AbortSignal): Promise<void> {
    const [guest, ...posters] = this.people.toReversed() as [Person, ...Person[]];
    await Promise.all([this.comeAndGo(guest, over), ...posters.map((person) => this.post(person, over))]);
  }

  private async post(person: Person, over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      await delay(PAUSE_MS * (0.5 + this.random()));
      const roomId = this.room();
      const clientId = randomUUID();
      const text = `${TEXTS[Math.floor(this.random() * TEXTS.length)]} ${clientId}`;
      const path = `/chat/rooms/${roomId}/messages`;
      const { id, seq } = await this.untilAcknowledged(person, path, { clientId, text });
      this.acknowledged.set(clientId, { id, roomId, seq, text });
    }
  }

  private async comeAndGo(person: Person, over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      const roomId = this.room();
      await this.untilAcknowledged(person, `/chat/rooms/${roomId}/join`, {});
      await delay(PAUSE_MS * this.random());
      await this.untilAcknowledged(person, `/chat/rooms/${roomId}/leave`, {});
    }
  }

  private async untilAcknowledged(person: Person, path: string, body: object): Promise<any> {
    const headers = { 'idempotency-key': randomUUID() };
    for (;;) {
      const reply = await person
        .elsewhere(this.places())
        .post(path, body, headers)
        .catch(() => undefined);
      if (reply && reply.status < 300) return reply.body;
      if (reply && reply.status !== 503 && reply.status !== 429) throw new Error(`${path}: ${reply.status} ${reply.body.code}`);
      this.repeated++;
      await delay(AGAIN_MS);
    }
  }

  private room(): string {
    return this.rooms[Math.floor(this.random() * this.rooms.length)]!;
  }
}
