import { Injectable } from '@nestjs/common';
import type { OperationDefinition } from '../contract/operation.ts';
import type { Answer, Call } from './bound-operation.ts';

/** What is recorded of every operation, whatever the protocol. */
@Injectable()
export class Observation {
  around(_contract: OperationDefinition, run: (call: Call) => Promise<Answer>): (call: Call) => Promise<Answer> {
    return run;
  }
}
