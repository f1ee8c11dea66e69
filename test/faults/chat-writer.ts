import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { newPerson, type Person } from '../support/person.ts';
import type { Writer } from './writer.ts';

/** As many people as the limit on posting asks for: 20 messages in 10 s each. */
const PEOPLE = 60;
const POSTS_PER_WINDOW = 18;
const WINDOW_MS = 10_500;

/** The platform itself, as `npm start` runs it; a write is a message that somebody posts. */
export function chatWriter(): Writer {
  let crowd: Promise<Crowd> | undefined;
  const gather = (address: string): Promise<Crowd> => (crowd ??= Crowd.gather(address));
  return {
    command: [process.execPath, fileURLToPath(new URL('../../bin/fondasi.js', import.meta.url)), 'serve'],
    environment: (dataDir) => ({ DATA_DIR: dataDir, PORT: '0', GRPC_PORT: 'off', TRUST_PROXY: '127.0.0.1', LOG_LEVEL: 'warn' }),
    address: (printed) => /^\s*Fondasi\s+(http:\S+)$/m.exec(printed)?.[1]?.replace('localhost', '127.0.0.1'),
    turn: async (address) => (await gather(address)).turn(),
    write: async (address, id, text) => (await gather(address)).post(address, id, text),
    written: async (address) => (await gather(address)).read(address),
  };
}

/** Everybody in one room. */
class Crowd {
  readonly #app: { url: string };
  readonly #people: Person[];
  readonly #roomId: string;
  readonly #turns: Person[] = [];
  readonly #posted = new Map<Person, number[]>();

  private constructor(app: { url: string }, people: Person[], roomId: string) {
    this.#app = app;
    this.#people = people;
    this.#roomId = roomId;
  }

  static async gather(address: string): Promise<Crowd> {
    const app = { url: address };
    const people: Person[] = [];
    while (people.length < PEOPLE) people.push(await newPerson(app, 'Writer'));
    const room = await people[0]!.post('/chat/rooms', { name: 'Faults', visibility: 'open' });
    for (const person of people) await person.post(`/chat/rooms/${room.body.id}/join`);
    return new Crowd(app, people, room.body.id);
  }

  async post(address: string, clientId: string, text: string): Promise<void> {
    this.#app.url = address;
    const person = this.#turns.shift()!;
    const { status, body } = await person.post(`/chat/rooms/${this.#roomId}/messages`, { clientId, text: `${clientId} ${text}` });
    if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`);
  }

  async read(address: string): Promise<Set<string>> {
    this.#app.url = address;
    const ids = new Set<string>();
    let cursor = '';
    for (let page = 0; ; page++) {
      const path = `/chat/rooms/${this.#roomId}/messages?order=oldest&limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
      const { status, body } = await this.#people[page % PEOPLE]!.get(path);
      if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
      for (const { text } of body.items as { text: string }[]) ids.add(text.split(' ')[0]!);
      if (!body.next) return ids;
      cursor = body.next;
    }
  }

  /** Chooses who posts next: somebody who is within the limit. */
  async turn(): Promise<void> {
    for (;;) {
      for (const person of this.#people) {
        const recent = (this.#posted.get(person) ?? []).filter((at) => at > Date.now() - WINDOW_MS);
        if (recent.length >= POSTS_PER_WINDOW) continue;
        this.#posted.set(person, [...recent, Date.now()]);
        this.#turns.push(person);
        return;
      }
      await delay(50);
    }
  }
}
