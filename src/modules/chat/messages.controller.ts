import { Controller } from '@nestjs/common';
import type { Input } from '#platform/contract/operation';
import type { Caller } from '#platform/operations/caller';
import { Operation } from '#platform/operations/operation.decorator';
import { listMessages, postMessage } from './contract.ts';
import { MessagesService } from './messages.service.ts';

@Controller()
export class MessagesController {
  constructor(private readonly messages: MessagesService) {}

  @Operation(postMessage)
  post(input: Input<typeof postMessage>, caller: Caller) {
    return this.messages.post(input, caller);
  }

  @Operation(listMessages)
  list(input: Input<typeof listMessages>, caller: Caller) {
    return this.messages.list(input, caller);
  }
}
