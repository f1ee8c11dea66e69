import type { CallOptions } from './call.ts';
import { OperationCaller } from './caller.ts';
import type { Api, ChannelContract, Contract, OperationContract } from './contracts.ts';
import type { FollowOptions } from './follow.ts';
import { Follows } from './follows.ts';
import { type OnOutbox, Outbox, type OutboxStore } from './outbox.ts';
import type { WebSocketClass } from './protocol.ts';
import { overFetch, type Send } from './request.ts';
import { Session, type Tokens, type TokenStore } from './session.ts';

export interface ClientOptions<C extends Record<string, Contract>> {
  /** Where the server is, without a slash at the end: `https://api.example.com`. */
  readonly url: string;
  /** The contracts of the modules that are used, by the names under which the client is to have them. */
  readonly contracts: C;
  /** How operations are called: a request each, or all over the one connection that channels use. `fetch` where nothing is said. */
  readonly operations?: 'fetch' | 'websocket';
  /** What becomes of calls that may be repeated while the server can't be reached. `fail` where nothing is said. */
  readonly offline?: 'fail' | 'queue';
  /** Keeps tokens between visits, such as in `localStorage`; in memory without it. */
  readonly tokens?: TokenStore;
  /** Keeps calls that wait between visits; in memory without it. */
  readonly outbox?: OutboxStore;
  /** Told how calls ended that an earlier visit left in the outbox. */
  readonly onOutbox?: OnOutbox;
  /** Renews tokens; `POST /auth/refresh` where nothing is said. */
  readonly renew?: (refreshToken: string) => Promise<Tokens>;
  readonly fetch?: typeof globalThis.fetch;
  readonly WebSocket?: WebSocketClass;
}

export interface ClientCore {
  readonly session: Session;
  /** How many calls wait for the server. */
  readonly waiting: number;
  /** Ends connections and follows, and calls with `client/aborted`; the client is of no use any more. The outbox's store is kept. */
  close(): void;
}

export type Client<C extends Record<string, Contract>> = ClientCore & { readonly [K in keyof C]: Api<C[K]> };

/** Browsers tell when the network is back. */
const network = globalThis as Partial<Pick<EventTarget, 'addEventListener' | 'removeEventListener'>>;

const REFRESH: OperationContract = {
  kind: 'operation',
  name: 'auth.refresh',
  method: 'POST',
  path: '/auth/refresh',
  params: [],
  retry: 'never',
} as unknown as OperationContract;

/**
 * A client of one server for one person.
 *
 *     const client = createClient({ url, contracts: { auth, chat } });
 *     client.session.set(await client.auth.signIn({ email, password }));
 *     await client.chat.postMessage({ roomId, clientId: crypto.randomUUID(), text: 'Hello' });
 */
export function createClient<const C extends Record<string, Contract>>(options: ClientOptions<C>): Client<C> {
  const { url, contracts, offline = 'fail' } = options;
  const fetched = overFetch(url, options.fetch ?? ((...args) => globalThis.fetch(...args)));
  const renew = async (refreshToken: string) => {
    const signal = AbortSignal.timeout(15_000);
    const attempt = { operation: REFRESH, input: { refreshToken }, token: undefined, idempotencyKey: undefined, signal };
    return (await fetched(attempt)) as Tokens;
  };
  const session = new Session(options.renew ?? renew, options.tokens);
  const closing = new AbortController();
  const follows = new Follows(url, session, options.WebSocket ?? globalThis.WebSocket);
  const overSocket: Send = (attempt) => (attempt.token === undefined ? fetched(attempt) : follows.socket.send(attempt));
  const send = options.operations === 'websocket' ? overSocket : fetched;
  const outbox: Outbox = new Outbox(session, (call) => caller.tried(call, {}, 1), options.outbox);
  const caller = new OperationCaller(send, session, outbox, offline, closing.signal);

  const back = () => {
    outbox.wake();
    follows.socket.hurry();
  };
  network.addEventListener?.('online', back);
  const operations = new Map<string, OperationContract>();
  const apis = Object.entries(contracts).map(([module, contract]) => [module, apiOf(contract, caller, follows, operations)]);
  outbox.restore(operations, options.onOutbox ?? (() => {}));

  const core: ClientCore = {
    session,
    get waiting() {
      return outbox.waiting;
    },
    close: () => {
      network.removeEventListener?.('online', back);
      outbox.close();
      closing.abort();
      follows.closeAll();
    },
  };
  return Object.defineProperties(core, Object.getOwnPropertyDescriptors(Object.fromEntries(apis))) as Client<C>;
}

function apiOf(
  contract: Contract,
  caller: OperationCaller,
  follows: Follows,
  operations: Map<string, OperationContract>,
): object {
  const api: Record<string, unknown> = {};
  for (const [key, definition] of Object.entries(contract)) {
    if (definition?.kind === 'operation') {
      const operation = definition as OperationContract;
      operations.set(operation.name, operation);
      api[key] = (input?: Record<string, unknown>, options?: CallOptions) => caller.call(operation, input, options);
    }
    if (definition?.kind === 'channel')
      api[key] = (params: unknown, options: FollowOptions<any>) => follows.follow(definition as ChannelContract, params, options);
  }
  return api;
}
