import type { OperationDefinition } from '#platform/contract/operation';
import { anonymous } from '../../support/person.ts';
import type { Transport } from './transport.ts';

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

export const rest: Transport = {
  name: 'rest',
  outside: true,
  unknownFields: 'refuse',
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
