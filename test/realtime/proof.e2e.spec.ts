import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningApp, startApp } from '../support/app.ts';
import { newPerson, type Person } from '../support/person.ts';
import type { Place } from './readers/protocol.ts';
import { PROTOCOLS, RoomReader } from './readers/room-reader.ts';
import { post, roomOf, until } from './room.ts';

let one: RunningApp;
let other: RunningApp;
let ann: Person;
let bob: Person;
beforeAll(async () => {
  one = await startApp({ settings: { GRPC_PORT: '0' } });
  other = await startApp({ settings: { GRPC_PORT: '0' }, database: one.database });
  [ann, bob] = [await newPerson(one, 'Ann'), await newPerson(one, 'Bob')];
});
afterAll(async () => {
  await other.close();
  await one.close();
});

const placeOf = ({ url, grpcPort }: RunningApp): Place => ({ url, grpcPort: grpcPort! });

const textsOf = (readers: readonly RoomReader[]) => readers.map(({ protocol, texts }) => [protocol.name, ...texts]);
const everybodyHas = (...texts: string[]) => PROTOCOLS.map(({ name }) => [name, ...texts]);

test('one person posts over REST; others, each over another protocol, go offline, come back and miss nothing', async () => {
  const others = await Promise.all(PROTOCOLS.map(({ name }) => newPerson(one, name)));
  const roomId = await roomOf(ann, ...others);
  const readers = PROTOCOLS.map((protocol, index) => new RoomReader(protocol, others[index]!, roomId));
  await Promise.all(readers.map((reader) => reader.live(placeOf(one))));

  await post(ann, roomId, 'Hello, all');
  await until(() => expect(textsOf(readers)).toEqual(everybodyHas('Hello, all')));

  for (const reader of readers) reader.drop();
  expect(readers.map(({ isLive }) => isLive)).not.toContain(true);
  await post(ann, roomId, 'Is anybody there?');
  await post(ann, roomId, 'Nobody');
  // To the other process, with the cursor that the first one gave.
  await Promise.all(readers.map((reader) => reader.live(placeOf(other))));

  await post(ann, roomId, 'Welcome back');
  const all = ['Hello, all', 'Is anybody there?', 'Nobody', 'Welcome back'];
  await until(() => expect(textsOf(readers)).toEqual(everybodyHas(...all)));
  expect(readers.flatMap(({ resets }) => resets)).toEqual([]);
  for (const reader of readers) reader.leave();
});

test.each([
  ['through the same process', () => one],
  ['through another process', () => other],
])('who is put out %s is told so by every protocol, and gets nothing more', async (_name, app) => {
  const roomId = await roomOf(ann, bob);
  const readers = PROTOCOLS.map((protocol) => new RoomReader(protocol, bob, roomId));
  const witness = new RoomReader(PROTOCOLS[0]!, ann, roomId);
  await Promise.all([...readers, witness].map((reader) => reader.live(placeOf(app()))));
  await post(ann, roomId, 'for both');
  await until(() => expect(textsOf(readers)).toEqual(everybodyHas('for both')));

  await ann.request('DELETE', `/chat/rooms/${roomId}/members/${bob.id}`);
  await post(ann, roomId, 'not for Bob');
  await until(() => expect(witness.texts).toEqual(['for both', 'not for Bob']));
  const told = () => readers.map(({ protocol, ended }) => [protocol.name, ended?.code]);
  await until(() => expect(told()).toEqual(PROTOCOLS.map(({ name }) => [name, 'chat/not-room-member'])), 5_000);

  // Nor does a cursor of before help.
  for (const reader of readers) reader.connect(placeOf(app()));
  await until(() => expect(told()).toEqual(PROTOCOLS.map(({ name }) => [name, 'chat/not-room-member'])));
  expect(textsOf(readers)).toEqual(everybodyHas('for both'));
  expect(readers.every(({ items }) => items.length === 1)).toBe(true);
  witness.leave();
});
