import { createHash, randomBytes } from 'node:crypto';
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Config } from '#config/config';
import * as users from '#modules/users/contract';
import type { Input, Output } from '#platform/contract/operation';
import { Problem } from '#platform/contract/problem';
import { newId } from '#platform/new-id';
import { type Client, Calls } from '#platform/operations/calls';
import type { Caller } from '#platform/operations/caller';
import { AccessTokens } from '#platform/security/access-tokens';
import { CONFIG } from '#platform/settings';
import { AccountRepository } from './account.repository.ts';
import { AccountService } from './account.service.ts';
import { type refresh, SessionEnded, type signIn, type switchOrganization, WrongCredentials } from './contract.ts';
import { normalizeEmail } from './email.rules.ts';
import { KeysService } from './keys.service.ts';
import { PasswordHasher } from './password-hasher.ts';
import { type Session, SessionsRepository } from './sessions.repository.ts';

/** How soon every process refuses a session that another one has ended; each look reaches back beyond the last that succeeded. */
const LOOK_EVERY_MS = 1_500;
const OVERLAP_MS = 10_000;

const hashOf = (token: string) => createHash('sha256').update(token).digest();
const newToken = () => randomBytes(32).toString('base64url');

@Injectable()
export class SessionsService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly users: Client<typeof users>;
  private readonly logger = new Logger(SessionsService.name);
  private learning: NodeJS.Timeout | undefined;
  private learnt = 0;

  constructor(
    private readonly sessions: SessionsRepository,
    private readonly accounts: AccountRepository,
    private readonly signUps: AccountService,
    private readonly passwords: PasswordHasher,
    private readonly keys: KeysService,
    private readonly accessTokens: AccessTokens,
    @Inject(CONFIG) private readonly config: Config,
    calls: Calls,
  ) {
    this.users = calls.client(users);
  }

  /** Access tokens of sessions that ended before this process started, or that another one ended, may be unexpired. */
  async onApplicationBootstrap(): Promise<void> {
    await this.learnOfEnded(this.config.ACCESS_TOKEN_TTL);
    this.learning = setInterval(() => {
      this.learnOfEnded(Date.now() - this.learnt + OVERLAP_MS).catch((error: Error) =>
        this.logger.debug(`ended sessions: ${error.message}`),
      );
    }, LOOK_EVERY_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.learning);
  }

  private async learnOfEnded(since: number): Promise<void> {
    const began = Date.now();
    const heardAt = performance.now();
    for (const { id, endedAt } of await this.sessions.endedSince(since))
      this.accessTokens.end(id, Date.parse(endedAt) / 1_000 + this.accessSeconds);
    this.learnt = began;
    this.accessTokens.heardOfAll(heardAt);
  }

  async signIn({ email, password, organizationId }: Input<typeof signIn>, caller: Caller): Promise<Output<typeof signIn>> {
    const account = await this.accounts.findByEmail(normalizeEmail(email));
    const right = await this.passwords.matches(account?.hash, password);
    if (!account || !right) throw new Problem(WrongCredentials);
    await this.signUps.finish(account, caller);
    const membership = await this.users.getMembership({ personId: account.personId, organizationId }, caller.asService('auth'));
    const refreshToken = newToken();
    const session = await this.sessions.start({
      id: newId(),
      personId: account.personId,
      organizationId: membership.organizationId,
      refreshHash: hashOf(refreshToken),
      seconds: this.refreshSeconds,
    });
    return { ...this.accessToken(session, membership.roles), refreshToken };
  }

  /** Each refresh token works once; a second use ends the session, whoever of the two came first. */
  async refresh(used: string, caller: Caller): Promise<Output<typeof refresh>> {
    const refreshToken = newToken();
    const owner = await this.sessions.findByRefreshToken(hashOf(used));
    if (!owner) throw new Problem(SessionEnded);
    // Before the token is used up: should `users` not answer, the client can try again with the same one.
    const { roles } = await this.users.getMembership(owner, caller.asService('auth'));
    const outcome = await this.sessions.rotate(hashOf(used), hashOf(refreshToken), this.refreshSeconds);
    if (outcome.reused) this.refuseTokensOf(outcome.reused);
    if (!outcome.session) throw new Problem(SessionEnded);
    // For the organization whose roles were read: the session may have moved to another one meanwhile.
    return { ...this.accessToken({ ...outcome.session, ...owner }, roles), refreshToken };
  }

  async signOut(caller: Caller): Promise<void> {
    const { sessionId } = caller.principal!;
    await this.sessions.end(sessionId);
    this.refuseTokensOf(sessionId);
  }

  async switchOrganization(organizationId: string, caller: Caller): Promise<Output<typeof switchOrganization>> {
    const { personId } = caller;
    const { roles } = await this.users.getMembership({ personId, organizationId }, caller.asService('auth'));
    const session = await this.sessions.moveTo(caller.principal!.sessionId, organizationId);
    if (!session) throw new Problem(SessionEnded);
    return this.accessToken(session, roles);
  }

  private accessToken(session: Session, roles: Output<typeof users.getMembership>['roles']) {
    return {
      tokenType: 'Bearer',
      accessToken: this.keys.sign(session, roles, this.accessSeconds),
      expiresIn: this.accessSeconds,
      organizationId: session.organizationId,
    };
  }

  private refuseTokensOf(sessionId: string) {
    this.accessTokens.end(sessionId, Date.now() / 1_000 + this.accessSeconds);
  }

  private get accessSeconds() {
    return Math.round(this.config.ACCESS_TOKEN_TTL / 1_000);
  }

  private get refreshSeconds() {
    return Math.round(this.config.REFRESH_TOKEN_TTL / 1_000);
  }
}
