import { FondasiModule } from '#platform/operations/fondasi-module.decorator';
import { AccountController } from './account.controller.ts';
import { AccountRepository } from './account.repository.ts';
import { AccountService } from './account.service.ts';
import * as contract from './contract.ts';
import { KeysController } from './keys.controller.ts';
import { KeysRepository } from './keys.repository.ts';
import { KeysService } from './keys.service.ts';
import { PasswordHasher } from './password-hasher.ts';
import { SessionsController } from './sessions.controller.ts';
import { SessionsRepository } from './sessions.repository.ts';
import { SessionsService } from './sessions.service.ts';
import { SetupController } from './setup.controller.ts';
import { SetupService } from './setup.service.ts';

@FondasiModule({
  name: 'auth',
  summary: 'Accounts, sessions and tokens.',
  contract,
  requires: ['users'],
  migrations: `${import.meta.dirname}/migrations`,
  controllers: [AccountController, SessionsController, SetupController, KeysController],
  providers: [
    AccountService,
    AccountRepository,
    SessionsService,
    SessionsRepository,
    SetupService,
    KeysService,
    KeysRepository,
    PasswordHasher,
  ],
})
export class AuthModule {}
