import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningApp, startApp } from '../support/app.ts';
import { newPerson, PASSWORD } from '../support/person.ts';
import { describeWith, GO } from '../support/toolchain.ts';
import { codeOf, commandsOf, run } from './guide.ts';

/** gRPC for Go is compiled once, on a machine that runs other tests beside it. */
const COMPILED = 240_000;

describeWith(GO, 'a client that is generated from the published .proto', () => {
  let app: RunningApp;
  let folder: string;
  beforeAll(async () => {
    app = await startApp({ settings: { GRPC_PORT: '0' } });
    folder = await mkdtemp(join(tmpdir(), 'fondasi-proto-client-'));
    const lines = commandsOf(app, 'Go').split('\n');
    const built = lines.findIndex((line) => line.startsWith('go build'));
    await run(folder, 'bash', '-ec', lines.slice(0, built).join('\n'));
    await writeFile(join(folder, 'src/hello/main.go'), codeOf(app, 'Go', 'go'));
    await run(folder, 'bash', '-ec', [lines[0], ...lines.slice(built)].join('\n'));
  }, COMPILED);
  afterAll(async () => {
    await app?.close();
    await rm(folder, { recursive: true });
  });

  test("the guide's Go signs in, posts once, understands a problem, and misses nothing", async () => {
    const ann = await newPerson(app, 'Ann');
    expect(await run(folder, './hello', ann.email, PASSWORD)).toEqual([
      'Ann',
      '1 Hello from Go',
      'NotFound CHAT_ROOM_NOT_FOUND',
      'missed: one',
      'missed: two',
    ]);
  });
});
