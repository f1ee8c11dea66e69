// What the platform is measured against: Fastify and `pg` alone, written for speed. No token, no check, no limit, no log.
import { randomUUIDv7 } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import { Pool } from 'pg';
import { reportTo, type Ready } from '../child.ts';
import { ORGANIZATION } from '../product/people.ts';
import { profileOf } from '../product/profile.ts';

const string = { type: 'string' } as const;
const strings = { type: 'array', items: string } as const;
const answer = (properties: Record<string, object>) => ({ response: { '2xx': { type: 'object', properties } } });

// As many connections as the platform's default; its pool is shared by all modules, too.
const pool = new Pool({ connectionString: process.env.DATABASE_URL!, max: 20 });
const app = Fastify();

const profile = answer({
  id: string,
  name: string,
  email: string,
  organizationId: string,
  roles: strings,
  locale: string,
  timeZone: string,
  version: { type: 'integer' },
  createdAt: string,
});
app.get<{ Params: { id: string } }>('/bench/profiles/:id', { schema: profile }, async ({ params }) => profileOf(params.id));

const findUser = {
  name: 'find-user',
  text: `select p.id, p.name, m.roles from users.membership m join users.person p on p.id = m.person_id
          where m.org_id = $1 and m.person_id = $2`,
};
const user = answer({ id: string, name: string, roles: strings });
app.get<{ Params: { id: string } }>('/users/:id', { schema: user }, async ({ params }, reply) => {
  const { rows } = await pool.query({ ...findUser, values: [ORGANIZATION, params.id] });
  return rows[0] ?? reply.code(404).send();
});

const insertMessage = {
  name: 'insert-message',
  text: `insert into reference.message (org_id, room_id, id, type, sender, client_id, text)
         values ($1, $2, $3, 'message', $4, $5, $6) returning seq, at`,
};
const message = answer({ id: string, roomId: string, seq: string, authorId: string, text: string, postedAt: string });
interface Post {
  Params: { roomId: string };
  Headers: { 'x-author': string };
  Body: { clientId: string; text: string };
}
app.post<Post>('/chat/rooms/:roomId/messages', { schema: message }, async ({ params, headers, body }, reply) => {
  const id = randomUUIDv7();
  const authorId = headers['x-author'];
  const { rows } = await pool.query({
    ...insertMessage,
    values: [ORGANIZATION, params.roomId, id, authorId, body.clientId, body.text],
  });
  reply.code(201);
  return { id, roomId: params.roomId, seq: rows[0].seq, authorId, text: body.text, postedAt: rows[0].at.toISOString() };
});

await app.listen({ port: 0, host: '127.0.0.1' });
const { port } = app.server.address() as AddressInfo;
reportTo(process, { port, tokens: [] } satisfies Ready, async () => {
  await app.close();
  await pool.end();
});
