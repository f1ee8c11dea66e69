import type { Writable } from 'node:stream';
import * as ws from 'ws';
import { expect, test } from 'vitest';
import { Batch } from '#platform/realtime/frame';
import { EVENTS, PING_FRAME, textFrame } from './server-messages.ts';

/** Its types leave it out. */
const { Receiver } = ws as unknown as { Receiver: new (options: object) => Writable };

/** What a client's library reads out of bytes. */
async function read(bytes: Buffer): Promise<string[]> {
  const texts: string[] = [];
  const receiver = new Receiver({ isServer: false, allowSynchronousEvents: true });
  receiver.on('message', (data: Buffer) => texts.push(data.toString()));
  receiver.on('ping', () => texts.push('ping'));
  await new Promise<void>((resolve, reject) => receiver.write(bytes, (error) => (error ? reject(error) : resolve())));
  return texts;
}

test.each([0, 1, 125, 126, 127, 65_535, 65_536, 70_000])('a text of %i bytes is one frame', async (length) => {
  const text = 'x'.repeat(length);
  expect(await read(textFrame(text))).toEqual([text]);
});

test('the length of a frame is that of its UTF-8', async () => {
  const text = 'ß😀'.repeat(21);
  expect(Buffer.byteLength(text)).toBe(126);
  expect(await read(textFrame(text))).toEqual([text]);
});

test('a ping is one', async () => {
  expect(await read(PING_FRAME)).toEqual(['ping']);
});

const item = (text: string, cursor: string) => ({ cursor, item: { text }, json: JSON.stringify({ text }) });

test('a batch is written once, a frame for each item', async () => {
  const batch = new Batch('st"ream', [item('one', 'a.1'), item('two', 'a.2')]);
  const bytes = batch.as(EVENTS);
  expect(batch.as(EVENTS)).toBe(bytes);
  expect((await read(bytes)).map((text) => JSON.parse(text))).toEqual([
    { type: 'event', stream: 'st"ream', cursor: 'a.1', item: { text: 'one' } },
    { type: 'event', stream: 'st"ream', cursor: 'a.2', item: { text: 'two' } },
  ]);
});
