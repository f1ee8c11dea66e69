import type { OperationDefinition } from '#platform/contract/operation';
import type { Portable } from '#platform/contract/portable';
import type { Person } from '../../support/person.ts';
import type { World } from '../world.ts';

export interface Outcome {
  /** Undefined for success. */
  readonly code: string | undefined;
  readonly pointers: readonly string[];
  /** The answer as text, whatever the protocol makes of it. */
  readonly text: string;
}

/** A way to call an operation, as somebody. `person` undefined is nobody; `service` is another module. */
export interface Transport {
  readonly name: string;
  /** Whether the outside can reach it: then limits count, and modules' operations do not exist. */
  readonly outside: boolean;
  readonly unknownFields: 'refuse' | 'drop';
  /** Kinds of which a wrong value can't even be sent. */
  readonly typed?: readonly Portable['kind'][];
  /** Whether an operation is served at all; all of them where nothing is said. */
  serves?(contract: OperationDefinition<any, any>): boolean;
  call(
    world: World,
    contract: OperationDefinition<any, any>,
    input: object,
    as: Person | undefined | 'service',
  ): Promise<Outcome>;
}
