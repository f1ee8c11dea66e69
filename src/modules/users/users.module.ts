import { FondasiModule } from '#platform/operations/fondasi-module.decorator';
import * as contract from './contract.ts';
import { InvitationsController } from './invitations.controller.ts';
import { InvitationsRepository } from './invitations.repository.ts';
import { InvitationsService } from './invitations.service.ts';
import { MeChannel } from './me.channel.ts';
import { OrganizationsController } from './organizations.controller.ts';
import { OrganizationsRepository } from './organizations.repository.ts';
import { OrganizationsService } from './organizations.service.ts';
import { PersonEventsRepository } from './person-events.repository.ts';
import { PersonEventsService } from './person-events.service.ts';
import { RegistrationController } from './registration.controller.ts';
import { RegistrationRepository } from './registration.repository.ts';
import { RegistrationService } from './registration.service.ts';
import { UsersController } from './users.controller.ts';
import { UsersRepository } from './users.repository.ts';
import { UsersService } from './users.service.ts';

@FondasiModule({
  name: 'users',
  summary: 'People, organizations, and who belongs where as what.',
  contract,
  migrations: `${import.meta.dirname}/migrations`,
  controllers: [UsersController, OrganizationsController, InvitationsController, RegistrationController],
  providers: [
    MeChannel,
    PersonEventsService,
    PersonEventsRepository,
    UsersService,
    UsersRepository,
    OrganizationsService,
    OrganizationsRepository,
    InvitationsService,
    InvitationsRepository,
    RegistrationService,
    RegistrationRepository,
  ],
})
export class UsersModule {}
