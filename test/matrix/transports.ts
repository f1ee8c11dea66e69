import { randomUUID } from 'node:crypto';
import type { OperationDefinition } from '#platform/contract/operation';
import { Problem } from '#platform/contract/problem';
import { Calls } from '#platform/operations/calls';
import { Caller } from '#platform/operations/caller';
import { AccessTokens } from '#platform/security/access-tokens';
import { anonymous, type Person } from '../support/person.ts';
import type { World } from './world.ts';

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
  /** Whether the outside can reach it: then limits count, unknown fields are refused, and modules' operations do not exist. */
  readonly outside: boolean;
  call(
    world: World,
    contract: OperationDefinition<any, any>,
    input: object,
    as: Person | undefined | 'service',
  ): Promise<Outcome>;
}

/** The path with its parameters filled in, and what is left of the input. */
export function addressed(
  { path }: OperationDefinition<any, any>,
  input: object,
): { path: string; rest: Record<string, unknown> } {
  const left: Record<string, unknown> = { ...input };
  const filled = path.replace(/:([A-Za-z0-9]+)/g, (_, name: string) => {
    const value = String(left[name]);
    delete left[name];
    return encodeURIComponent(value);
  });
  return { path: filled, rest: left };
}

const rest: Transport = {
  name: 'rest',
  outside: true,
  async call({ app }, contract, input, as) {
    if (as === 'service') throw new Error('the outside is no service');
    const { path, rest: fields } = addressed(contract, input);
    const person = as ?? anonymous(app);
    const inQuery = contract.method === 'GET' || contract.method === 'DELETE';
    const query = new URLSearchParams(
      Object.entries(fields).flatMap(([key, value]) => [value].flat().map((each) => [key, String(each)] as [string, string])),
    );
    const reply = inQuery
      ? await person.request(contract.method, Object.keys(fields).length ? `${path}?${query}` : path)
      : await person.request(contract.method, path, fields);
    const { body } = reply;
    return {
      code: reply.status < 400 ? undefined : body.code,
      pointers: (body?.errors ?? []).map(({ pointer }: { pointer: string }) => pointer),
      text: typeof body === 'string' ? body : JSON.stringify(body),
    };
  },
};

/** From module to module in one process. */
const call: Transport = {
  name: 'call',
  outside: false,
  async call({ app }, contract, input, as) {
    const origin = { requestId: randomUUID(), address: 'internal', transport: 'call' } as const;
    const deadline = Date.now() + 10_000;
    const caller =
      as === 'service'
        ? new Caller('service', origin, deadline, undefined, 'test')
        : as === undefined
          ? new Caller('anonymous', origin, deadline)
          : new Caller('person', origin, deadline, app.app.get(AccessTokens).verify(as.token));
    const client = app.app.get(Calls).client({ operation: contract });
    try {
      const answer = await client.operation(input as never, caller);
      return { code: undefined, pointers: [], text: JSON.stringify(answer) ?? '' };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return { code: error.definition.code, pointers: (error.errors ?? []).map(({ pointer }) => pointer), text: error.message };
    }
  },
};

export const TRANSPORTS: readonly Transport[] = [rest, call];
