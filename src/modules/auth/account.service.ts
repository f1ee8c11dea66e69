import { Inject, Injectable } from '@nestjs/common';
import type { Config } from '#config/config';
import * as users from '#modules/users/contract';
import type { Input } from '#platform/contract/operation';
import { Problem } from '#platform/contract/problem';
import { newId } from '#platform/new-id';
import { type Client, Calls } from '#platform/operations/calls';
import type { Caller } from '#platform/operations/caller';
import { CONFIG } from '#platform/settings';
import { AccountRepository } from './account.repository.ts';
import { InvitationRequired, SignUpClosed, type signUp } from './contract.ts';
import { normalizeEmail } from './email.rules.ts';
import { PasswordHasher } from './password-hasher.ts';

export interface NewAccount {
  readonly email: string;
  readonly password: string;
  readonly name: string;
  readonly as: 'member' | 'firstOwner' | 'invited';
  readonly invitation?: string;
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
   * Takes the address, records the person, then sets the password. Each step may be repeated, and a sign-up that was
   * cut off goes on with the same person. An address that has a password stays as it is, and nobody is told: a wrong
   * invitation is refused for every address, before it matters whether there is an account.
   */
  async create(account: NewAccount, caller: Caller): Promise<{ created: boolean }> {
    const email = normalizeEmail(account.email);
    // Before anything is looked up: it takes the same time for every address.
    const hash = await this.passwords.hash(account.password);
    const { name, as, invitation } = account;
    const known = await this.accounts.findByEmail(email);
    const firstId = known?.personId ?? newId();
    const service = caller.asService('auth');
    if (invitation !== undefined) await this.users.checkInvitation({ token: invitation, personId: firstId }, service);
    const { personId, complete } = await this.accounts.take(email, firstId);
    if (complete) return { created: false };
    await this.users.registerPerson({ id: personId, name, email, as, invitation }, service);
    return { created: await this.accounts.setFirstPassword(personId, hash) };
  }
}
