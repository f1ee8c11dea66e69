import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import * as users from '#modules/users/contract';
import { Metrics } from '#platform/observability/metrics';
import { type RunningApp, startApp } from '../support/app.ts';
import { anonymous, newPerson, type Person } from '../support/person.ts';
import { agentOf, callTool } from './agent.ts';

let app: RunningApp;
let ann: Person;
let guest: Person;
beforeAll(async () => {
  app = await startApp();
  [ann, guest] = [await newPerson(app, 'Ann'), await newPerson(app, 'Guest')];
  await ann.foundOrganization('Ann & Co');
  const { body } = await ann.post('/invitations', { roles: ['guest'] });
  await guest.post('/invitations/accept', { token: body.token });
  await guest.actIn(ann.organizationId);
});
afterAll(() => app.close());

const rpc = (method: string, params: object = {}) => ({ jsonrpc: '2.0', id: 1, method, params });
const ACCEPT = { accept: 'application/json, text/event-stream' };

test('an agent finds the operations that are marked for it, with their schemas, and no other', async () => {
  const agent = await agentOf(ann);
  const { tools } = await agent.listTools();
  expect(tools.map(({ name }) => name).sort()).toEqual(['users_get', 'users_list']);
  const get = tools.find(({ name }) => name === 'users_get')!;
  expect(get).toMatchObject({
    title: 'One user of my organization',
    inputSchema: { type: 'object', required: ['id'], additionalProperties: false, properties: { id: { format: 'uuid' } } },
    outputSchema: { type: 'object', properties: { name: { type: 'string' } } },
    annotations: { readOnlyHint: true },
  });
  await agent.close();
});

test('a tool answers what the operation answers', async () => {
  const agent = await agentOf(ann);
  const one = await callTool(agent, users.getUser, { id: guest.id });
  expect(one.body).toEqual({ id: guest.id, name: 'Guest', roles: ['guest'] });
  expect(JSON.parse(one.text!)).toEqual(one.body);
  const all = await callTool(agent, users.listUsers, {});
  expect(all.body.items.map(({ name }: { name: string }) => name).sort()).toEqual(['Ann', 'Guest']);
  await agent.close();
});

describe('the rules are the same', () => {
  test('wrong input and unknown fields are refused, with their places', async () => {
    const agent = await agentOf(ann);
    const wrong = await callTool(agent, users.getUser, { id: 'x', nonsense: 1 });
    expect(wrong.problem).toMatchObject({
      code: 'platform/invalid-input',
      errors: [{ pointer: '/id' }, { pointer: '/nonsense' }],
    });
    const missing = await callTool(agent, users.getUser, { id: randomUUID() });
    expect(missing.problem.code).toBe('users/user-not-found');
    await agent.close();
  });

  test('who lacks the permission is not offered the tool, and refused when calling it all the same', async () => {
    const agent = await agentOf(guest);
    expect((await agent.listTools()).tools.map(({ name }) => name)).toEqual(['users_get']);
    expect((await callTool(agent, users.listUsers, {})).problem.code).toBe('platform/forbidden');
    await agent.close();
  });

  test('what is not marked for agents is no tool', async () => {
    const agent = await agentOf(ann);
    for (const { name } of [users.createInvitation, users.registerPerson])
      await expect(callTool(agent, { name }, {})).rejects.toThrow('There is no tool');
    await agent.close();
  });

  test('calls count in the metrics, and in the log as one request', async () => {
    const agent = await agentOf(ann);
    await callTool(agent, users.getUser, { id: guest.id });
    await agent.close();
    await vi.waitFor(() => expect(app.logged()).toContain('"url.path":"/mcp"'), { timeout: 5_000 });
    expect(app.logged()).not.toContain(ann.token);
    const { text } = await app.app.get(Metrics).page();
    expect(text).toContain('operation_duration_seconds_count{operation="users.get",transport="mcp",outcome="ok"}');
  });
});

describe('from outside', () => {
  test('nobody gets in without a token, and learns how a token is sent', async () => {
    for (const token of [undefined, 'Bearer nonsense', 'Basic YTpi']) {
      const reply = await anonymous(app).post('/mcp', rpc('tools/list'), { ...ACCEPT, ...(token && { authorization: token }) });
      expect([reply.status, reply.body.code]).toEqual([401, 'platform/unauthenticated']);
      const [, metadata] = /resource_metadata="([^"]+)"/.exec(reply.headers.get('www-authenticate')!)!;
      const { body } = await anonymous(app).get(new URL(metadata!).pathname);
      expect(body).toMatchObject({ resource: `${app.url}/mcp`, bearer_methods_supported: ['header'] });
      // Whoever is named there has metadata: an agent that is led to a 404 does not ask for a token any more.
      for (const server of body.authorization_servers ?? [])
        expect((await fetch(new URL('/.well-known/oauth-authorization-server', server))).status).toBe(200);
    }
  });

  test('a page of another site is refused', async () => {
    const reply = await ann.post('/mcp', rpc('tools/list'), { ...ACCEPT, origin: 'https://evil.example' });
    expect([reply.status, reply.body.code]).toEqual([403, 'platform/forbidden']);
  });

  test.each([
    ['a list of messages', [rpc('tools/list'), rpc('tools/list')], 400],
    ['no message', { hello: 1 }, 400],
    ['an unknown method', rpc('tools/destroy'), 200],
    ['no input', undefined, 400],
    ['a tool name that is none', rpc('tools/call', { name: '__proto__', arguments: {} }), 200],
  ])('%s is refused without a word about the inside', async (_name, message, status) => {
    const reply = await ann.post('/mcp', message, ACCEPT);
    expect(reply.status).toBe(status);
    const text = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body);
    expect(text).toMatch(/error|code/);
    expect(text).not.toMatch(/node_modules|at .+\.ts:/);
  });

  test('there is nothing to GET or to DELETE', async () => {
    for (const method of ['GET', 'DELETE']) {
      const reply = await ann.request(method, '/mcp');
      expect([reply.status, reply.headers.get('allow')]).toEqual([405, 'POST']);
    }
  });
});
