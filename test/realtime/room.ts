import { randomUUID } from 'node:crypto';
import { expect, vi } from 'vitest';
import type { Person } from '../support/person.ts';
import type { Reader } from './reader.ts';

/** An open room of `owner` in which the others are. */
export async function roomOf(owner: Person, ...members: Person[]): Promise<string> {
  const { body } = await owner.post('/chat/rooms', { name: 'Room', visibility: 'open' });
  for (const member of members) await member.post(`/chat/rooms/${body.id}/join`);
  return body.id;
}

export async function post(person: Person, roomId: string, text: string): Promise<void> {
  const { status, body } = await person.post(`/chat/rooms/${roomId}/messages`, { clientId: randomUUID(), text });
  if (status !== 201) throw new Error(`post: ${status} ${JSON.stringify(body)}`);
}

/** The texts of the messages that a reader got. */
export const texts = ({ items }: Pick<Reader, 'items'>): string[] =>
  items.filter(({ type }) => type === 'message').map(({ message }) => message.text);

export const until = (check: () => void, timeout = 10_000) => vi.waitFor(check, { timeout, interval: 10 });

export const endedWith = (reader: Reader, code: string, timeout?: number) =>
  until(() => expect(reader.ended?.problem?.definition.code).toBe(code), timeout);
