import { ask, documentOf } from '../../support/graphql.ts';
import { anonymous } from '../../support/person.ts';
import type { Transport } from './transport.ts';

/** What a page's arguments are called in the contract, so that pointers compare. */
const CONTRACT: Record<string, string> = { '/first': '/limit', '/after': '/cursor' };

const withoutTypeNames = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutTypeNames);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => key !== '__typename');
  return Object.fromEntries(entries.map(([key, item]) => [key, withoutTypeNames(item)]));
};

export const graphql: Transport = {
  name: 'graphql',
  outside: true,
  unknownFields: 'refuse',
  async call({ app }, contract, input, as) {
    if (as === 'service') throw new Error('the outside is no service');
    const { field, query, variables } = documentOf(contract, input as Record<string, unknown>);
    const { body } = await ask(as ?? anonymous(app), query, variables);
    const problem = body.errors?.[0].extensions.problem;
    return {
      code: problem?.code,
      pointers: (problem?.errors ?? []).map(({ pointer }: { pointer: string }) => CONTRACT[pointer] ?? pointer),
      text: JSON.stringify(body.errors ? body : withoutTypeNames(body.data[field])),
    };
  },
};
