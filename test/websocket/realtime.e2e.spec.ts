import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningApp, startApp } from '../support/app.ts';
import { openRoom, postMessage } from '../support/chat.ts';
import { newPerson, type Person } from '../support/person.ts';
import { type Message, Socket } from '../support/socket.ts';

let app: RunningApp;
let ann: Person;
let bob: Person;
beforeAll(async () => {
  app = await startApp();
  [ann, bob] = [await newPerson(app, 'Ann'), await newPerson(app, 'Bob')];
});
afterAll(() => app.close());

const events = ({ heard }: Socket, stream: string) => heard.filter((each) => each.type === 'event' && each['stream'] === stream);
const textOf = ({ item }: Message) => item?.message?.text;

describe('a stream', () => {
  test('one posts over REST, another hears it here', async () => {
    const roomId = await openRoom(ann, bob);
    const socket = await Socket.open(app, bob);
    const { type, stream, cursor, reset } = await socket.subscribe('chat.room', { roomId });
    expect([type, reset]).toEqual(['subscribed', false]);
    await postMessage(ann, roomId, 'hello');
    const event = await socket.hears((each) => each.type === 'event');
    expect(event).toMatchObject({ stream, item: { type: 'message', message: { text: 'hello', authorId: ann.id } } });
    expect(event['cursor']).not.toBe(cursor);
    await socket.close();
  });

  test('who comes back with the last cursor has missed nothing and gets nothing twice', async () => {
    const roomId = await openRoom(ann, bob);
    const first = await Socket.open(app, bob);
    const { stream } = await first.subscribe('chat.room', { roomId });
    await postMessage(ann, roomId, 'one');
    const { cursor } = await first.hears((each) => each.type === 'event');
    first.ws.terminate();
    await first.closed;
    for (const text of ['two', 'three', 'four']) await postMessage(ann, roomId, text);
    const second = await Socket.open(app, bob);
    const again = await second.subscribe('chat.room', { roomId }, { after: cursor });
    expect(again).toMatchObject({ type: 'subscribed', reset: false, stream });
    await postMessage(ann, roomId, 'five');
    await second.hears((each) => textOf(each) === 'five');
    expect(events(second, again['stream']).map(textOf)).toEqual(['two', 'three', 'four', 'five']);
    await second.close();
  });
});
