import { randomUUID } from 'node:crypto';
import { Problem } from '#platform/contract/problem';
import { Calls } from '#platform/operations/calls';
import { Caller } from '#platform/operations/caller';
import { AccessTokens } from '#platform/security/access-tokens';
import type { Transport } from './transport.ts';

/** From module to module in one process. */
export const call: Transport = {
  name: 'call',
  outside: false,
  unknownFields: 'drop',
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
