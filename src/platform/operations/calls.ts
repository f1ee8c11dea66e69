import { Injectable } from '@nestjs/common';
import { Unavailable } from '../contract/platform.problems.ts';
import { Problem } from '../contract/problem.ts';
import type { InputOf, OperationDefinition, Output } from '../contract/operation.ts';
import type { BoundOperation } from './bound-operation.ts';
import type { Caller } from './caller.ts';
import { definitionsOf } from './fondasi-module.decorator.ts';
import { refuseInsideTransaction } from './pipeline.ts';

/** A contract's operations as functions. The caller goes along: its identity, deadline and trace. */
export type Client<C> = {
  readonly [K in keyof C as C[K] extends OperationDefinition<any, any> ? K : never]: C[K] extends OperationDefinition<any, any>
    ? (input: InputOf<C[K]>, caller: Caller) => Promise<Output<C[K]>>
    : never;
};

/** How a module calls another: `this.users = calls.client(users)` with `import * as users from '#modules/users/contract'`. */
@Injectable()
export class Calls {
  private readonly bound = new Map<string, BoundOperation>();

  /** Made known at start-up; a client may be made before. */
  add(operation: BoundOperation): void {
    this.bound.set(operation.contract.name, operation);
  }

  client<C extends object>(contract: C): Client<C> {
    const operations = definitionsOf<OperationDefinition>(contract, 'operation');
    const names = new Map(Object.entries(contract).map(([key, value]) => [value, key]));
    return Object.fromEntries(
      operations.map((operation) => [
        names.get(operation),
        (input: object, caller: Caller) => this.call(operation, input, caller),
      ]),
    ) as Client<C>;
  }

  private async call(contract: OperationDefinition, input: object, caller: Caller): Promise<unknown> {
    refuseInsideTransaction(contract.name);
    const operation = this.bound.get(contract.name);
    if (!operation) throw new Problem(Unavailable, `The module "${contract.module}" does not answer`);
    const credentials = caller.forwarded();
    const answer = await operation.invoke({
      input: () => input,
      credentials,
      origin: credentials.origin,
      unknownFields: 'drop',
      form: 'value',
    });
    return answer.body;
  }
}
