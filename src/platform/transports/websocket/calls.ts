import type { CallMessage } from './client-messages.ts';
import type { Connection } from './connection.ts';
import { exchange } from './exchange.ts';
import { answer } from './server-messages.ts';

/** Turns a message into a call and the answer into a message; all rules are the pipeline's. */
export function performCall(connection: Connection, message: CallMessage): Promise<void> {
  const { id, timeout } = message;
  const deadline = timeout === undefined ? undefined : Date.now() + timeout;
  return exchange(connection, id, connection.behind.operations.get(message.operation), async (operation, origin, signal) => {
    const answered = await operation.invoke({
      input: () => message.input ?? {},
      credentials: { token: connection.token },
      origin,
      unknownFields: 'refuse',
      form: 'json',
      idempotencyKey: operation.contract.retry === 'key' ? message.idempotencyKey : undefined,
      deadline,
      signal,
    });
    connection.send(answer(id, answered));
    return answered.status;
  });
}
