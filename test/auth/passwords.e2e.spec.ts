import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningApp, startApp } from '../support/app.ts';
import { anonymous, newPerson, type Person } from '../support/person.ts';

let app: RunningApp;
let ann: Person;
beforeAll(async () => {
  app = await startApp();
  ann = await newPerson(app, 'Ann');
});
afterAll(() => app.close());

/** From an address of its own, so that no limit by address is in the way. */
const wrongSignIn = () => anonymous(app).post('/auth/sign-in', { email: ann.email, password: 'a wrong passphrase' });

test('a flood of sign-ins is refused beyond what may wait, and what waits is served', async () => {
  const replies = await Promise.all(Array.from({ length: 200 }, wrongSignIn));
  const byCode = Map.groupBy(replies, ({ body }) => body.code);
  expect([...byCode.keys()].sort()).toEqual(['auth/busy', 'auth/wrong-credentials']);
  const refused = byCode.get('auth/busy')!;
  expect(refused.every(({ status, headers }) => status === 429 && Number(headers.get('retry-after')) > 0)).toBe(true);
  expect(byCode.get('auth/wrong-credentials')!.length).toBeGreaterThanOrEqual(64);
  expect((await wrongSignIn()).status).toBe(401);
});

/** The middle of many, in milliseconds. */
async function medianOfReads(): Promise<number> {
  const times: number[] = [];
  for (let read = 0; read < 60; read++) {
    const started = performance.now();
    const { status } = await ann.get('/users/me');
    times.push(performance.now() - started);
    expect(status).toBe(200);
  }
  return times.sort((a, b) => a - b)[30]!;
}

test('while the queue of passwords is full, whoever has a token does not wait', async () => {
  await medianOfReads();
  const alone = await medianOfReads();
  const flood = { over: false };
  const lanes = Array.from({ length: 60 }, async () => {
    while (!flood.over) await wrongSignIn();
  });
  const beside = await medianOfReads();
  flood.over = true;
  await Promise.all(lanes);
  // Behind the hashes it would be some 600 ms; the test's own client has to share the processor with the flood.
  expect(beside).toBeLessThan(alone * 10 + 50);
});
