import { Unauthenticated } from '../../contract/platform.problems.ts';
import { Problem } from '../../contract/problem.ts';
import { randomHex } from '../../observability/request-context.ts';
import { answeredProblem } from '../../operations/error-to-problem.ts';
import type { Principal } from '../../operations/caller.ts';
import type { Connection } from './connection.ts';
import { CLOSE, EXPIRING_SECONDS } from './protocol.ts';
import { expiring, ready } from './server-messages.ts';

const secondsUntil = (expiresAt: number, now = Date.now()) => Math.max(0, Math.floor(expiresAt - now / 1_000));

/** Signs in, renews the connection's token, or that of one subscription. Answers `ready` or a problem; the token before stays. */
export function authenticate(connection: Connection, token: string, stream?: string): void {
  const requestId = randomHex(8);
  const { behind, address } = connection;
  try {
    behind.refusals.check(address);
    const principal = behind.identify(token, { requestId, address, transport: 'websocket' });
    if (stream === undefined) renewAll(connection, token, principal);
    else renewOne(connection, token, stream);
    connection.send(ready(secondsUntil(principal.expiresAt)));
  } catch (error) {
    const problem = answeredProblem(error, (err) => behind.log.logger.error({ err, requestId }, 'unexpected error'));
    connection.sendProblem(undefined, problem, requestId);
  }
}

function renewAll(connection: Connection, token: string, principal: Principal) {
  const before = connection.principal;
  if (before && (before.personId !== principal.personId || before.organizationId !== principal.organizationId))
    throw new Problem(Unauthenticated, 'This connection is of another person or organization: open one for each');
  for (const { subscription, token: whose } of connection.followed?.values() ?? [])
    if (whose === 'connection') subscription.renew(token);
  connection.token = token;
  connection.principal = principal;
  connection.warned = false;
}

function renewOne({ followed }: Connection, token: string, stream: string) {
  const found = followed?.get(stream);
  if (found?.token !== 'own') throw new Problem(Unauthenticated, 'No such subscription has a token of its own');
  found.subscription.renew(token);
  found.warned = false;
}

/** Warns of tokens that end soon, and closes the connection with its own. */
export function checkTokens(connection: Connection, now: number): void {
  const { principal, openedAt, behind } = connection;
  if (!principal) {
    if (now - openedAt >= behind.timing.auth) connection.close(CLOSE.unauthenticated);
    return;
  }
  const left = secondsUntil(principal.expiresAt, now);
  if (left === 0) return connection.close(CLOSE.unauthenticated);
  if (left <= EXPIRING_SECONDS && !connection.warned) {
    connection.warned = true;
    connection.send(expiring(left));
  }
  if (connection.ownTokens > 0) warnOfOwnTokens(connection, now);
}

/** Their end is the subscription's own. */
function warnOfOwnTokens(connection: Connection, now: number) {
  for (const [stream, followed] of connection.followed!) {
    if (followed.token !== 'own' || followed.warned) continue;
    const left = secondsUntil(followed.subscription.expiresAt, now);
    if (left > EXPIRING_SECONDS) continue;
    followed.warned = true;
    connection.send(expiring(left, stream));
  }
}
