import { setImmediate } from 'node:timers/promises';
import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { Outbox } from './outbox.ts';

/** A stream that keeps what it got, by system call. */
class Calls extends Writable {
  readonly calls: string[] = [];
  override _write(chunk: Buffer, _encoding: string, done: () => void) {
    this.calls.push(chunk.toString());
    done();
  }
  override _writev(chunks: { chunk: Buffer }[], done: () => void) {
    this.calls.push(chunks.map(({ chunk }) => chunk.toString()).join('+'));
    done();
  }
}

test('what comes in one turn goes out at once and in order; a later turn has its own', async () => {
  const out = new Calls();
  const outbox = new Outbox(out);
  for (const text of ['a', 'b', 'c']) outbox.put(Buffer.from(text));
  expect(out.calls).toEqual([]);
  expect(outbox.backlog).toBe(3);
  await setImmediate();
  expect(out.calls).toEqual(['a+b+c']);
  expect(outbox.backlog).toBe(0);
  outbox.put(Buffer.from('d'));
  await setImmediate();
  expect(out.calls).toEqual(['a+b+c', 'd']);
});

test('a flush does not wait for the end of the turn, and nothing is written twice', async () => {
  const out = new Calls();
  const outbox = new Outbox(out);
  outbox.put(Buffer.from('a'));
  outbox.flush();
  expect(out.calls).toEqual(['a']);
  await setImmediate();
  expect(out.calls).toEqual(['a']);
});

test('nothing is written to a stream that is over', async () => {
  const out = new Calls();
  out.on('error', (error) => out.calls.push(error.message));
  const outbox = new Outbox(out);
  out.end();
  outbox.put(Buffer.from('late'));
  await setImmediate();
  expect(out.calls).toEqual([]);
  expect(outbox.backlog).toBe(0);
});
