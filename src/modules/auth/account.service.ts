import { Inject, Injectable } from '@nestjs/common';
import type { Config } from '#config/config';
import * as users from '#modules/users/contract';
import type { Input } from '#platform/contract/operation';
import { Problem } from '#platform/contract/problem';
import { newId } from '#platform/new-id';
import { type Client, Calls } from '#platform/operations/calls';
import type { Caller } from '#platform/operations/caller';
import { CONFIG } from '#platform/settings';
import { type Account, AccountRepository, type Registration } from './account.repository.ts';
import { InvitationRequired, SignUpClosed, type signUp } from './contract.ts';
import { normalizeEmail } from './email.rules.ts';
import { PasswordHasher } from './password-hasher.ts';

export interface NewAccount extends Registration {
  readonly email: string;
  readonly password: string;
}

@Injectable()
export class AccountService {
  private readonly users: Client<typeof users>;

  constructor(
    private readonly accounts: AccountRepository,
    private readonly passwords: PasswordHasher,
    @Inject(CONFIG) private readonly config: Config,
    calls: Calls,
  ) {
    this.users = calls.client(users);
  }

  async signUp({ email, password, name, invitation }: Input<typeof signUp>, caller: Caller): Promise<void> {
    if (this.config.SIGN_UP === 'closed') throw new Problem(SignUpClosed);
    if (this.config.SIGN_UP === 'invited' && invitation === undefined) throw new Problem(InvitationRequired);
    await this.create({ email, password, name, invitation, as: invitation === undefined ? 'member' : 'invited' }, caller);
  }

  /**
   * Takes the address together with its password, then has the person recorded. Cut off between the two, the first
   * sign-in does the rest: nobody but who knows the password ever gets what was begun with it. An address that is
   * taken stays as it is, and nobody is told; a wrong invitation is refused for every address.
   */
  async create({ email: given, password, ...registration }: NewAccount, caller: Caller): Promise<{ created: boolean }> {
    const email = normalizeEmail(given);
    // Before anything is looked up: it takes the same time for every address.
    const hash = await this.passwords.hash(password);
    const personId = newId();
    const { invitation } = registration;
    if (invitation !== undefined) await this.users.checkInvitation({ token: invitation, personId }, caller.asService('auth'));
    const account = { personId, email, hash, pending: registration };
    const created = await this.accounts.take(account);
    if (created) await this.finish(account, caller);
    return { created };
  }

  /** Records the person of an account whose sign-up is not done. What can't be recorded gives its address back. */
  async finish({ personId, email, pending }: Account, caller: Caller): Promise<void> {
    if (!pending) return;
    try {
      await this.users.registerPerson({ id: personId, email, ...pending }, caller.asService('auth'));
    } catch (error) {
      if (error instanceof Problem && error.definition.status < 500) await this.accounts.giveBack(personId);
      throw error;
    }
    await this.accounts.markRegistered(personId);
  }
}
