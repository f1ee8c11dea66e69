import { describe, expect, test } from 'vitest';
import { ProblemError } from './problem.ts';
import { Session, type Tokens } from './session.ts';

const tokensOf = (sub: string, more: Partial<Tokens> = {}): Tokens => ({
  accessToken: `header.${btoa(JSON.stringify({ sub, org: 'org' }))}.signature`,
  refreshToken: `refresh ${sub}`,
  expiresIn: 600,
  ...more,
});

/** A session whose token has to be renewed, and who answers the renewal. */
function renewing() {
  const answer = Promise.withResolvers<Tokens>();
  const asked: string[] = [];
  const session = new Session((refreshToken) => (asked.push(refreshToken), answer.promise));
  session.set(tokensOf('ann', { expiresIn: 1 }));
  return { session, answer, asked };
}

describe('during a renewal', () => {
  test('who signs out stays signed out', async () => {
    const { session, answer } = renewing();
    const token = session.token();
    session.set(undefined);
    answer.resolve(tokensOf('ann'));
    await expect(token).rejects.toMatchObject({ code: 'client/signed-out' });
    expect([session.signedIn, session.owner]).toEqual([false, undefined]);
  });

  test('who signs in stays signed in, whatever becomes of it', async () => {
    const refused = new ProblemError({ type: 'x', code: 'auth/refused', status: 401, title: 'No' });
    for (const settle of [
      (a: PromiseWithResolvers<Tokens>) => a.resolve(tokensOf('ann')),
      (a: PromiseWithResolvers<Tokens>) => a.reject(refused),
    ]) {
      const { session, answer } = renewing();
      const token = session.token();
      const bob = tokensOf('bob');
      session.set(bob);
      settle(answer);
      expect(await token).toBe(bob.accessToken);
      expect([session.owner, await session.token()]).toEqual(['bob org', bob.accessToken]);
    }
  });

  test('all who ask wait for the same one', async () => {
    const { session, answer, asked } = renewing();
    const both = Promise.all([session.token(), session.token()]);
    answer.resolve(tokensOf('ann'));
    expect(new Set(await both)).toEqual(new Set([tokensOf('ann').accessToken]));
    expect(asked).toEqual(['refresh ann']);
  });
});

test('nobody goes on with the refresh token of somebody else', async () => {
  const asked: string[] = [];
  const session = new Session(async (refreshToken) => (asked.push(refreshToken), tokensOf('ann')));
  session.set(tokensOf('ann'));
  const bob = tokensOf('bob', { refreshToken: undefined });
  session.set(bob);
  expect(await session.token(bob.accessToken)).toBeUndefined();
  expect(asked).toEqual([]);
});
