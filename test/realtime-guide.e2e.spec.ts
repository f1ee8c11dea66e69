import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test, vi } from 'vitest';
import { CLOSE, LIBRARY_CLOSE } from '#platform/transports/websocket/protocol';
import { startApp } from './support/app.ts';
import { openRoom, postMessage } from './support/chat.ts';
import { newPerson } from './support/person.ts';

const guide = readFileSync(resolve(import.meta.dirname, '../docs/guides/realtime.md'), 'utf8');

test('the guide has every close code, with what the server says', () => {
  const rows = [...LIBRARY_CLOSE, ...Object.values(CLOSE)]
    .sort((a, b) => a.code - b.code)
    .map(({ code, reason, resumable }) => `| ${code} | ${resumable ? 'yes' : 'no'} | ${reason} |`);
  expect(guide.split('\n').filter((line) => /^\| \d{4} \|/.test(line))).toEqual(rows);
});

test("the guide's client hears what is posted, also while it was away", async () => {
  const app = await startApp();
  const ann = await newPerson(app, 'Ann');
  const roomId = await openRoom(ann);
  const folder = await mkdtemp(join(tmpdir(), 'fondasi-guide-'));
  const file = join(folder, 'client.mjs');
  await writeFile(file, /```js\n([^]*?)```/.exec(guide)![1]!);
  const { followRoom } = await import(/* @vite-ignore */ file);
  const heard: string[] = [];
  const room = followRoom(
    app.url,
    roomId,
    async () => ann.token,
    (item: any) => heard.push(item.message.text),
  );
  let posted = 0;
  // It hears what comes after it has subscribed; when that was only it knows.
  await vi.waitFor(async () => {
    await postMessage(ann, roomId, `message ${++posted}`);
    expect(heard.length).toBeGreaterThan(0);
  });
  const first = Number(heard[0]!.split(' ')[1]);
  room.drop();
  await postMessage(ann, roomId, `message ${++posted}`);
  await postMessage(ann, roomId, `message ${++posted}`);
  const expected = Array.from({ length: posted - first + 1 }, (_, index) => `message ${first + index}`);
  await vi.waitFor(() => expect(heard).toEqual(expected), 10_000);
  room.close();
  await app.close();
  await rm(folder, { recursive: true });
});
