import { type Client, createClient, type ExecutionResult } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { RunningApp } from './app.ts';
import type { Person } from './person.ts';

/** A client of graphql-transport-ws as people use it. Reconnects where the protocol says so. */
export function graphqlClient(
  { url }: Pick<RunningApp, 'url'>,
  token: () => string | undefined | Promise<string>,
  address: string,
): Client {
  class Addressed extends WebSocket {
    constructor(target: string, protocols: string) {
      super(target, protocols, { headers: { 'x-forwarded-for': address } });
    }
  }
  return createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: Addressed,
    connectionParams: async () => {
      const current = await token();
      return current === undefined ? {} : { authorization: `Bearer ${current}` };
    },
    retryAttempts: 20,
    retryWait: async () => {},
  });
}

/** What a subscription answered so far, and how it ended. */
export class Following {
  readonly results: ExecutionResult<any, any>[] = [];
  ended: { error: any } | undefined;
  readonly stop: () => void;

  constructor(client: Client, query: string, variables: Record<string, unknown> = {}) {
    this.stop = client.subscribe(
      { query, variables },
      {
        next: (result) => void this.results.push(result as ExecutionResult<any, any>),
        error: (error) => (this.ended = { error }),
        complete: () => (this.ended ??= { error: undefined }),
      },
    );
  }
}

/** One answer over a socket. */
export function askOver(
  client: Client,
  query: string,
  variables: Record<string, unknown> = {},
): Promise<ExecutionResult<any, any>> {
  return new Promise((resolve, reject) => {
    client.subscribe(
      { query, variables },
      { next: (result) => resolve(result as ExecutionResult<any, any>), error: reject, complete: () => {} },
    );
  });
}

export const personClient = (app: Pick<RunningApp, 'url'>, person: Person) =>
  graphqlClient(app, () => person.token, person.address);
