import { randomUUID } from 'node:crypto';
import type { Person } from './person.ts';

/** A room that `owner` opens and `members` join; its id. */
export async function openRoom(owner: Person, ...members: readonly Person[]): Promise<string> {
  const { status, body } = await owner.post('/chat/rooms', { name: 'Room', visibility: 'open' });
  if (status !== 201) throw new Error(`room: ${status} ${JSON.stringify(body)}`);
  for (const member of members) await member.post(`/chat/rooms/${body.id}/join`);
  return body.id;
}

export async function postMessage(person: Person, roomId: string, text: string): Promise<void> {
  const { status, body } = await person.post(`/chat/rooms/${roomId}/messages`, { clientId: randomUUID(), text });
  if (status !== 201) throw new Error(`post: ${status} ${JSON.stringify(body)}`);
}
