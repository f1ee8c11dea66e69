import { FondasiModule } from '#platform/operations/fondasi-module.decorator';
import * as contract from './contract.ts';
import { MessagesController } from './messages.controller.ts';
import { MessagesRepository } from './messages.repository.ts';
import { MessagesService } from './messages.service.ts';
import { RoomChannel } from './room.channel.ts';
import { RoomEventsRepository } from './room-events.repository.ts';
import { RoomEventsService } from './room-events.service.ts';
import { RoomsController } from './rooms.controller.ts';
import { RoomsRepository } from './rooms.repository.ts';
import { RoomsService } from './rooms.service.ts';

@FondasiModule({
  name: 'chat',
  summary: 'Rooms and the messages in them.',
  contract,
  requires: ['users'],
  migrations: `${import.meta.dirname}/migrations`,
  controllers: [RoomsController, MessagesController],
  providers: [
    RoomsService,
    RoomsRepository,
    MessagesService,
    MessagesRepository,
    RoomChannel,
    RoomEventsService,
    RoomEventsRepository,
  ],
})
export class ChatModule {}
