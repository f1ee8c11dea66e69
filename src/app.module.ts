import { AuthModule } from './modules/auth/auth.module.ts';
import { ChatModule } from './modules/chat/chat.module.ts';
import { UsersModule } from './modules/users/users.module.ts';

/** The reference product: every module. */
export const modules = [AuthModule, UsersModule, ChatModule];
