import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningApp, startApp } from './support/app.ts';
import { newPerson } from './support/person.ts';
import { onEveryServer } from './support/servers.ts';

/** The whole product on each PostgreSQL, and where the host lets nobody make roles. */
await onEveryServer((server) => {
  describe.each(['on', 'off'] as const)('roles %s', (roles) => {
    let app: RunningApp;
    beforeAll(async () => {
      app = await startApp({ server, databaseSettings: { roles }, settings: { DATABASE_ROLES: roles } });
    });
    afterAll(() => app.close());

    conversation(() => app);
  });
});

function conversation(running: () => RunningApp) {
  test('two people sign up, one opens a room and invites the other, both post and read', async () => {
    const app = running();
    const [ann, bob] = await Promise.all([newPerson(app, 'Ann'), newPerson(app, 'Bob')]);

    const { status, body: room } = await ann.post('/chat/rooms', { name: 'Lobby' });
    expect(status).toBe(201);
    expect(room).toMatchObject({ name: 'Lobby', visibility: 'private', membership: 'joined', lastSeq: '0' });

    expect((await bob.get(`/chat/rooms/${room.id}`)).body.code).toBe('chat/room-not-found');
    expect((await ann.post(`/chat/rooms/${room.id}/invite`, { personId: bob.id })).status).toBe(204);
    expect((await bob.get('/chat/rooms')).body.items).toMatchObject([{ id: room.id, membership: 'invited' }]);
    expect((await bob.post(`/chat/rooms/${room.id}/messages`, { clientId: randomUUID(), text: 'early' })).body.code).toBe(
      'chat/not-room-member',
    );
    expect((await bob.post(`/chat/rooms/${room.id}/join`)).body).toMatchObject({ membership: 'joined' });

    for (const [person, text] of [
      [ann, 'Hello'],
      [bob, 'Hi'],
      [ann, 'Welcome'],
    ] as const) {
      const posted = await person.post(`/chat/rooms/${room.id}/messages`, { clientId: randomUUID(), text });
      expect(posted.status).toBe(201);
      expect(posted.body).toMatchObject({ roomId: room.id, authorId: person.id, text });
    }

    const oldest = await bob.get(`/chat/rooms/${room.id}/messages?order=oldest&limit=2`);
    expect(oldest.body.items.map((message: any) => [message.seq, message.text])).toEqual([
      // The first event of the room is that Bob joined.
      ['2', 'Hello'],
      ['3', 'Hi'],
    ]);
    const next = /<([^>]+)>; rel="next"/.exec(oldest.headers.get('link')!)![1]!;
    expect((await bob.get(next)).body).toMatchObject({ items: [{ seq: '4', text: 'Welcome' }] });
    const newest = await ann.get(`/chat/rooms/${room.id}/messages`);
    expect(newest.body.items.map((message: any) => message.text)).toEqual(['Welcome', 'Hi', 'Hello']);
    expect(newest.headers.get('link')).toBeNull();
  });
}
