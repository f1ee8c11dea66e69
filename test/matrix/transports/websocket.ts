import { Socket } from '../../support/socket.ts';
import { anonymous } from '../../support/person.ts';
import type { Transport } from './transport.ts';

/** Over `/ws`, a connection for each call: whose it is belongs to the connection. */
export const websocket: Transport = {
  name: 'websocket',
  outside: true,
  unknownFields: 'refuse',
  async call({ app }, contract, input, as) {
    if (as === 'service') throw new Error('the outside is no service');
    const headers = { 'x-forwarded-for': (as ?? anonymous(app)).address };
    const socket = await Socket.open(app, undefined, { headers });
    if (as) await socket.signIn(as.token);
    const { type, output, problem } = await socket.call(contract.name, input);
    await socket.close();
    return {
      code: type === 'answer' ? undefined : problem.code,
      pointers: (problem?.errors ?? []).map(({ pointer }: { pointer: string }) => pointer),
      text: JSON.stringify(type === 'answer' ? (output ?? '') : problem),
    };
  },
};
