import { expect, test } from 'vitest';
import * as z from 'zod';
import { anyone, signedIn } from './access.ts';
import { event } from './event.ts';
import { link } from './link.ts';
import { perCaller, windowSeconds } from './limit.ts';
import { nothing, operation, page, paging } from './operation.ts';
import { problem } from './problem.ts';
import { Id, schema } from './schema.ts';

const Thing = schema('OperationThing', { id: Id, version: z.int32() });
const base = { name: 'things.get', summary: 'One thing', access: signedIn(), input: { id: Id }, output: Thing } as const;

test('an operation without access is refused by the type and at load', () => {
  // @ts-expect-error -- access has no default
  expect(() => operation({ ...base, access: undefined, http: 'GET /things/:id' })).toThrow('`access` is required');
  // @ts-expect-error -- it can't be left out
  expect(() => operation({ name: 'things.get', summary: '', http: 'GET /things/:id', input: { id: Id }, output: Thing })).toThrow(
    '`access` is required',
  );
});

test('what is not said has careful defaults', () => {
  const get = operation({ ...base, http: 'GET /things/:id' });
  expect(get).toMatchObject({ success: 200, retry: 'safe', secret: false, deadlineSeconds: 10, paged: false, module: 'things' });
  expect(get.limit).toEqual([{ per: 'caller', points: 600, seconds: 60 }]);
  const remove = operation({ ...base, name: 'things.remove', http: 'DELETE /things/:id', output: nothing });
  expect(remove).toMatchObject({ success: 204, retry: 'never' });
});

test.each<[string, object, string]>([
  ['a name without a module', { name: 'get' }, 'a name is <module>'],
  ['a path parameter that is no input', { http: 'GET /things/:key' }, '":key" of its path is no required field'],
  ['an optional path parameter', { input: { id: Id.optional() } }, '":id" of its path is no required field'],
  ['an object in a query string', { input: { id: Id, like: Thing } }, '"like" does not fit into a query string'],
  ['null in a query string', { input: { id: Id, like: z.string().nullable() } }, 'a query string has no null'],
  ['a nameless output', { output: z.object({ id: Id }) }, 'its output is a schema()'],
  ['a version that is no field', { version: 'revision' }, 'its output has no field "revision"'],
])('%s is refused at load', (_, change, message) => {
  expect(() => operation({ ...base, http: 'GET /things/:id', ...change } as never)).toThrow(message);
});

test('a page knows its items and that it pages', () => {
  const list = operation({ ...base, name: 'things.list', http: 'GET /things', input: paging(50, 10), output: page(Thing) });
  expect(list.paged).toBe(true);
  expect(list.strictInput.parse({})).toEqual({ limit: 10 });
  expect(list.strictInput.safeParse({ limit: 51 }).success).toBe(false);
});

test('events are named in the past tense, have a key, and can be brought up to date', () => {
  const data = { id: Id };
  expect(() => event({ name: 'things.create', version: 1, key: 'id', data })).toThrow('<noun>-<past participle>');
  expect(() => event({ name: 'things.thing-made', version: 1, key: 'key' as never, data })).toThrow('its key "key" is no field');
  expect(() => event({ name: 'things.thing-made', version: 2, key: 'id', data })).toThrow('needs an upcast from version 1');
  expect(event({ name: 'things.thing-made', version: 2, key: 'id', data, upcast: { 1: (old) => old } }).version).toBe(2);
});

test('a link leads from a schema to an operation that takes many ids', () => {
  const getMany = operation({
    ...base,
    name: 'things.getMany',
    http: 'GET /things/many',
    access: anyone(),
    input: { ids: z.array(Id) },
    output: Thing,
  });
  const get = operation({ ...base, http: 'GET /things/:id' });
  expect(link(Thing, { field: 'parent', by: 'id', to: getMany })).toMatchObject({ from: 'OperationThing', field: 'parent' });
  expect(() => link(Thing, { field: 'parent', by: 'id', to: get })).toThrow('takes no "ids"');
});

test('limits and problems say what is wrong with them', () => {
  expect(perCaller(5, '2m')).toEqual({ per: 'caller', points: 5, seconds: 120 });
  expect(() => windowSeconds('soon' as never)).toThrow('"soon" is no span of time');
  expect(() => problem('NotFound', 404, '')).toThrow('a code is <module>/<state>');
  expect(() => problem('things/none', 200, '')).toThrow('200 is no error status');
});
