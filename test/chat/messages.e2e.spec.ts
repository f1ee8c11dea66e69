import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as chat from '#modules/chat/contract';
import { Calls } from '#platform/operations/calls';
import { Caller } from '#platform/operations/caller';
import { AccessTokens } from '#platform/security/access-tokens';
import { type RunningApp, startApp } from '../support/app.ts';
import { rowsOf } from '../support/database.ts';
import { newPerson, Person } from '../support/person.ts';

let app: RunningApp;
/** Another process's worth of the same product, on the same database. */
let other: RunningApp;
beforeAll(async () => {
  app = await startApp();
  other = await startApp({ database: app.database });
});
afterAll(async () => {
  await other.close();
  await app.close();
});

interface Event {
  seq: string;
  id: string;
  type: string;
  text: string;
}
const events = (roomId: string) =>
  rowsOf<Event>(
    app.database.url,
    'select seq::text, id::text, type, text from chat.room_event where room_id = $1 order by chat.room_event.seq',
    [roomId],
  );
const isMessage = ({ type }: Event) => type === 'message';
const lastSeq = async (roomId: string) =>
  (await rowsOf<{ last_seq: string }>(app.database.url, 'select last_seq::text from chat.room where id = $1', [roomId]))[0]!
    .last_seq;

test('many people post to several rooms through two processes: every room counts 1, 2, 3, without gaps or doubles', async () => {
  const people = await Promise.all(Array.from({ length: 16 }, () => newPerson(app, 'Writer')));
  const rooms = await Promise.all(
    ['One', 'Two', 'Three'].map(
      async (name) => (await people[0]!.post('/chat/rooms', { name, visibility: 'open' })).body.id as string,
    ),
  );
  await Promise.all(rooms.flatMap((roomId) => people.slice(1).map((person) => person.post(`/chat/rooms/${roomId}/join`))));

  const answered = new Map<string, { id: string; seq: string }[]>(rooms.map((roomId) => [roomId, []]));
  await Promise.all(
    people.flatMap((person) =>
      [app, other].map(async (process) => {
        const here = Object.assign(new Person(process, person.email), { token: person.token });
        for (let index = 0; index < 18; index++) {
          const roomId = rooms[index % rooms.length]!;
          const { status, body } = await here.post(`/chat/rooms/${roomId}/messages`, {
            clientId: randomUUID(),
            text: `${index}`,
          });
          expect(status).toBe(201);
          answered.get(roomId)!.push({ id: body.id, seq: body.seq });
        }
      }),
    ),
  );
  for (const roomId of rooms) {
    const stored = await events(roomId);
    expect(stored.map(({ seq }) => seq)).toEqual(Array.from({ length: 15 + 16 * 2 * 6 }, (_, index) => String(index + 1)));
    expect(answered.get(roomId)!.toSorted((a, b) => Number(a.seq) - Number(b.seq))).toEqual(
      stored.filter(isMessage).map(({ id, seq }) => ({ id, seq })),
    );
    expect(await lastSeq(roomId)).toBe(String(stored.length));
  }
});

test('four writers in two processes send the same 400 client ids: 400 messages, and all four get the same answers', async () => {
  const ann = await newPerson(app, 'Ann');
  const roomId = (await ann.post('/chat/rooms', { name: 'Room' })).body.id as string;
  const clientIds = Array.from({ length: 400 }, () => randomUUID());
  const writer = async (process: RunningApp) => {
    // Between modules no limit counts: it is the appending that is tried here.
    const principal = process.app.get(AccessTokens).verify(ann.token);
    const caller = new Caller(
      'person',
      { requestId: randomUUID(), address: 'internal', transport: 'call' },
      Date.now() + 30_000,
      principal,
    );
    const { postMessage } = process.app.get(Calls).client(chat);
    return Promise.all(clientIds.map((clientId) => postMessage({ roomId, clientId, text: clientId }, caller)));
  };
  const answers = await Promise.all([app, other, app, other].map(writer));
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  const stored = await events(roomId);
  expect(stored.map(({ seq }) => seq)).toEqual(clientIds.map((_, index) => String(index + 1)));
  expect(new Set(stored.map(({ text }) => text))).toEqual(new Set(clientIds));
  expect(await lastSeq(roomId)).toBe('400');
});

test('who leaves while posting: each message is either in the room or refused', async () => {
  const [ann, bob] = await Promise.all([newPerson(app, 'Ann'), newPerson(app, 'Bob')]);
  const roomId = (await ann.post('/chat/rooms', { name: 'Room', visibility: 'open' })).body.id as string;
  await bob.post(`/chat/rooms/${roomId}/join`);
  const posts = Array.from({ length: 15 }, (_, index) =>
    bob.post(`/chat/rooms/${roomId}/messages`, { clientId: randomUUID(), text: `${index}` }),
  );
  const [left, ...replies] = await Promise.all([bob.post(`/chat/rooms/${roomId}/leave`), ...posts]);
  expect(left.status).toBe(204);
  const posted = replies.filter(({ status }) => status === 201);
  expect(replies.filter(({ status, body }) => status !== 201 && body.code !== 'chat/not-room-member')).toEqual([]);
  expect(
    (await events(roomId))
      .filter(isMessage)
      .map(({ id }) => id)
      .sort(),
  ).toEqual(posted.map(({ body }) => body.id).sort());
});
