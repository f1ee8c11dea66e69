import { timingSafeEqual } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { Config } from '#config/config';
import * as users from '#modules/users/contract';
import type { Input } from '#platform/contract/operation';
import { Problem } from '#platform/contract/problem';
import { type Client, Calls } from '#platform/operations/calls';
import { type Caller, serviceCaller } from '#platform/operations/caller';
import { Secrets } from '#platform/security/secrets';
import { CONFIG } from '#platform/settings';
import { StartNotices } from '#platform/start-notices';
import { AccountService } from './account.service.ts';
import { AddressTaken, SetupTokenWrong, type setUp } from './contract.ts';

/**
 * The first administrator. The token in the link is derived from the secret key: the same in every process and after a
 * restart, known to whoever can read the server's output, and good for nothing once there is an administrator.
 */
@Injectable()
export class SetupService {
  private readonly users: Client<typeof users>;

  constructor(
    private readonly accounts: AccountService,
    private readonly secrets: Secrets,
    @Inject(CONFIG) private readonly config: Config,
    notices: StartNotices,
    calls: Calls,
  ) {
    this.users = calls.client(users);
    notices.add(async (url) => {
      const link = await this.link(url);
      return link === undefined ? undefined : { label: 'First administrator', text: link };
    });
  }

  async setUp({ token, ...account }: Input<typeof setUp>, caller: Caller): Promise<void> {
    const expected = this.secrets.fingerprint('first administrator', 'token');
    const given = Buffer.from(token, 'base64url');
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw new Problem(SetupTokenWrong);
    const { created } = await this.accounts.create({ ...account, as: 'firstOwner' }, caller);
    // Whoever made that account has its password, and need not be who holds the link.
    if (!created) throw new Problem(AddressTaken);
  }

  /** Where the first administrator is made; undefined once there is one. The token is in the fragment, which no server logs. */
  private async link(url: string): Promise<string | undefined> {
    const { found } = await this.users.findOwner({}, serviceCaller('auth', 'start'));
    if (found) return undefined;
    const token = this.secrets.fingerprint('first administrator', 'token').toString('base64url');
    return `${this.config.PUBLIC_URL ?? url}/setup#${token}`;
  }
}
