import asyncApiSchema from '@asyncapi/specs/schemas/3.0.0-without-$id.json' with { type: 'json' };
import { Ajv, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Operations } from '#platform/operations/operations';
import { type RunningApp, startApp } from '../support/app.ts';
import { openRoom, postMessage } from '../support/chat.ts';
import { anonymous, newPerson } from '../support/person.ts';
import { type Message, Socket } from '../support/socket.ts';

let app: RunningApp;
let document: any;
beforeAll(async () => {
  app = await startApp({ settings: { PUBLIC_URL: 'https://api.example.com' } });
  document = (await anonymous(app).get('/api-docs/asyncapi.json')).body;
});
afterAll(() => app.close());

const ajv = () => addFormats.default(new Ajv({ strict: false, allErrors: true, logger: false }));

test('the document is valid AsyncAPI 3', () => {
  const validate = ajv().compile(asyncApiSchema);
  validate(document);
  expect(validate.errors).toBeNull();
  expect(document.servers.gateway).toEqual({ host: 'api.example.com', protocol: 'wss' });
});

test('every reference in it leads somewhere', () => {
  const references = new Set(
    JSON.stringify(document)
      .match(/"#\/[^"]+"/g)!
      .map((text) => JSON.parse(text) as string),
  );
  expect(references.size).toBeGreaterThan(40);
  const missing = [...references].filter(
    (reference) =>
      reference
        .slice(2)
        .split('/')
        .reduce((at, key) => at?.[key], document) === undefined,
  );
  expect(missing).toEqual([]);
});

test('it has a call for each operation that the outside may call, and a subscription for each channel', () => {
  const { operations, channels } = app.app.get(Operations).bind();
  const { messages } = document.channels.socket;
  for (const { contract } of operations) {
    const named = [messages[`${contract.name}.call`], messages[`${contract.name}.answer`]].map(Boolean);
    expect([contract.name, ...named]).toEqual([contract.name, ...named.map(() => contract.access.who !== 'service')]);
  }
  for (const { contract } of channels) expect(messages).toHaveProperty([`${contract.name}.event`]);
  expect(channels.length).toBeGreaterThan(1);
});

test('it names the close codes, and which of them are worth a resume', () => {
  const codes = document.channels.socket['x-close-codes'];
  expect(codes.find(({ code }: any) => code === 4408)).toMatchObject({ resumable: true });
  expect(codes.find(({ code }: any) => code === 1009)).toMatchObject({ resumable: false });
});

/** A validator of one of the document's messages. */
function validator(name: string): ValidateFunction {
  const { payload } = document.channels.socket.messages[name];
  return ajv().compile({ ...payload, components: document.components });
}
function expectMessage(message: Message, name: string) {
  const validate = validator(name);
  validate(message);
  expect([name, validate.errors]).toEqual([name, null]);
}

describe('what really goes over the wire', () => {
  test('fits the schemas', async () => {
    const ann = await newPerson(app, 'Ann');
    const roomId = await openRoom(ann);
    const socket = await Socket.open(app);
    expectMessage(await socket.signIn(ann.token), 'ready');
    expectMessage(await socket.call('users.me'), 'users.me.answer');
    expectMessage(await socket.call('auth.signOut', { nonsense: 1 }), 'problem');
    const subscribed = await socket.subscribe('chat.room', { roomId });
    expectMessage(subscribed, 'subscribed');
    await postMessage(ann, roomId, 'hello');
    expectMessage(await socket.hears(({ type }) => type === 'event'), 'chat.room.event');
    socket.say({ type: 'unsubscribe', stream: subscribed['stream'] });
    expectMessage(await socket.hears(({ type }) => type === 'ended'), 'ended');
    socket.say({ type: 'ping' });
    expectMessage(await socket.hears(({ type }) => type === 'pong'), 'pong');
    // A schema that took anything would have let all of these through.
    expect(validator('users.me.answer')({ type: 'answer', id: 1, status: 200, output: { id: 1 } })).toBe(false);
    await socket.close();
  });
});
