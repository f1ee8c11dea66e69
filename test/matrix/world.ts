import { randomUUID } from 'node:crypto';
import { type CallHandler, type ExecutionContext, Injectable, Module, type NestInterceptor } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { map } from 'rxjs';
import { Secrets } from '#platform/security/secrets';
import { modules } from '../../src/app.module.ts';
import { type RunningApp, startApp } from '../support/app.ts';
import { anonymous, newPerson, PASSWORD, type Person } from '../support/person.ts';

/** What every handler's answer is made to hold, and no caller may ever see. */
export const LEAK = 'a-secret-that-no-schema-declares';

const withLeak = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withLeak);
  if (typeof value !== 'object' || value === null) return value;
  return { ...Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withLeak(item)])), passwordHash: LEAK };
};

@Injectable()
class Leaky implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(map(withLeak));
  }
}

@Module({ providers: [{ provide: APP_INTERCEPTOR, useClass: Leaky }] })
class LeakyModule {}

/** Two organizations and who is in them. `ann` owns one with a room in it; `eve` owns the other. */
export interface World {
  readonly app: RunningApp;
  readonly ann: Person;
  readonly bob: Person;
  readonly guest: Person;
  readonly eve: Person;
  readonly roomId: string;
}

export async function makeWorld(): Promise<World> {
  const app = await startApp({ modules: [...modules, LeakyModule], settings: { GRPC_PORT: '0' } });
  const [ann, bob, guest, eve] = await Promise.all(['Ann', 'Bob', 'Guest', 'Eve'].map((name) => newPerson(app, name)));
  await ann!.foundOrganization('Ann & Co');
  await eve!.foundOrganization('Eve & Co');
  await Promise.all([join(ann!, bob!, 'member'), join(ann!, guest!, 'guest')]);
  const { body: room } = await ann!.post('/chat/rooms', { name: 'Room', visibility: 'open' });
  await bob!.post(`/chat/rooms/${room.id}/join`);
  await ann!.post(`/chat/rooms/${room.id}/messages`, { clientId: randomUUID(), text: 'first' });
  return { app, ann: ann!, bob: bob!, guest: guest!, eve: eve!, roomId: room.id };
}

async function join(owner: Person, person: Person, role: string) {
  const { body } = await owner.post('/invitations', { roles: [role] });
  await person.post('/invitations/accept', { token: body.token });
  await person.actIn(owner.organizationId);
}

/** An input that each operation answers with success when `ann` sends it. */
export const VALID: Record<string, (world: World) => object | Promise<object>> = {
  'auth.signUp': () => ({ email: `${randomUUID()}@example.com`, password: PASSWORD, name: 'New' }),
  'auth.signIn': ({ ann }) => ({ email: ann.email, password: PASSWORD }),
  'auth.refresh': async ({ ann }) => {
    // From another address each time: few sign-ins a minute come from one.
    const { body } = await anonymous(ann.app).post('/auth/sign-in', { email: ann.email, password: PASSWORD });
    return { refreshToken: body.refreshToken };
  },
  'auth.signOut': () => ({}),
  'auth.switchOrganization': ({ ann }) => ({ organizationId: ann.organizationId }),
  'auth.setUp': ({ app }) => ({
    token: app.app.get(Secrets).fingerprint('first administrator', 'token').toString('base64url'),
    email: `${randomUUID()}@example.com`,
    password: PASSWORD,
    name: 'Root',
  }),
  'users.me': () => ({}),
  'users.update': () => ({ name: 'Ann' }),
  'users.get': ({ bob }) => ({ id: bob.id }),
  'users.getMany': ({ ann, bob }) => ({ ids: [ann.id, bob.id] }),
  'users.list': () => ({}),
  'users.organizations.create': () => ({ name: 'Another' }),
  'users.organizations.list': () => ({}),
  'users.invitations.create': () => ({ roles: ['member'] }),
  'users.invitations.accept': async ({ ann }) => ({ token: (await ann.post('/invitations', { roles: ['member'] })).body.token }),
  'users.invitations.check': async ({ ann, bob }) => ({
    token: (await ann.post('/invitations', { roles: ['member'] })).body.token,
    personId: bob.id,
  }),
  'users.register': () => ({ id: randomUUID(), name: 'Made', email: `${randomUUID()}@example.com`, as: 'member' }),
  'users.membership': ({ ann }) => ({ personId: ann.id }),
  'users.findOwner': () => ({}),
  'chat.rooms.create': () => ({ name: 'Made' }),
  'chat.rooms.list': () => ({}),
  'chat.rooms.get': ({ roomId }) => ({ roomId }),
  'chat.rooms.invite': ({ roomId, guest }) => ({ roomId, personId: guest.id }),
  'chat.rooms.join': ({ roomId }) => ({ roomId }),
  'chat.rooms.leave': async ({ ann }) => ({
    roomId: (await ann.post('/chat/rooms', { name: 'Left', visibility: 'open' })).body.id,
  }),
  'chat.rooms.removeMember': ({ roomId }) => ({ roomId, personId: randomUUID() }),
  'chat.messages.post': ({ roomId }) => ({ roomId, clientId: randomUUID(), text: 'again' }),
  'chat.messages.list': ({ roomId }) => ({ roomId }),
};
