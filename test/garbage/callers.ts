import { randomUUID } from 'node:crypto';
import { KeysService } from '#modules/auth/keys.service';
import { DEFAULT_ORGANIZATION } from '#platform/contract/access';
import type { OperationDefinition } from '#platform/contract/operation';
import type { RunningApp } from '../support/app.ts';
import { runOn } from '../support/database.ts';

/** Runs with one caller, before its limits get in the way. */
const RUNS_PER_CALLER = 4;

/** The token of somebody of the default organization, in the room, whom no limit has counted yet. */
async function newCaller(app: RunningApp, roomId: string): Promise<string> {
  const id = randomUUID();
  await runOn(
    app.database.url,
    `insert into users.person (id, name, email) values ('${id}', 'Fuzz', '${id}@example.com');
     insert into users.membership (org_id, person_id, roles) values ('${DEFAULT_ORGANIZATION}', '${id}', '{owner}');
     insert into chat.member (org_id, room_id, person_id, state) values ('${DEFAULT_ORGANIZATION}', '${roomId}', '${id}', 'joined');
     insert into auth.credential (person_id, email, password_hash) values ('${id}', '${id}@example.com', 'none');
     insert into auth.session (id, person_id, organization_id, expires_at) values ('${id}', '${id}', '${DEFAULT_ORGANIZATION}', now() + '1 h')`,
  );
  const session = { id, personId: id, organizationId: DEFAULT_ORGANIZATION, authenticatedAt: new Date().toISOString() };
  return app.app.get(KeysService, { strict: false }).sign(session, ['owner'], 3_600);
}

/** Callers that take turns. Signing out ends one's session, so there everybody gets one try. */
export function callers(app: RunningApp, roomId: string, contract?: OperationDefinition): () => Promise<string> {
  let token: Promise<string>;
  let runs = 0;
  const each = contract?.name === 'auth.signOut' ? 1 : RUNS_PER_CALLER;
  return () => (runs++ % each === 0 ? (token = newCaller(app, roomId)) : token);
}
