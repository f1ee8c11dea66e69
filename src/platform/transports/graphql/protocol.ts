import type { ExecutionArgs } from 'graphql';
import { type Context, makeServer, type Server, type SubscribePayload } from 'graphql-ws';
import { TooManyRequests } from '../../contract/platform.problems.ts';
import { Problem } from '../../contract/problem.ts';
import { beginRequest, type RequestContext, runInRequest } from '../../observability/request-context.ts';
import type { LogRequest, RequestRoute } from '../../observability/request-log.ts';
import type { Origin } from '../../operations/caller.ts';
import { tokenIn } from '../credentials.ts';
import type { Refusals } from '../../security/refusals.ts';
import { AnsweredGraphqlError, type GraphqlAnswer, refused } from './answer.ts';
import type { GraphqlEngine } from './engine.ts';
import { FrameAnswers } from './frames.ts';
import { type Prepared, Refused } from './preparation.ts';
import { readRequest } from './request.ts';
import { Session, type SessionParts } from './session.ts';
import type { GraphqlSocket } from './socket.ts';

/** What the protocol stands on. */
export interface ProtocolParts extends SessionParts {
  readonly engine: GraphqlEngine;
  readonly refusals: Refusals;
  readonly logRequest: LogRequest;
}

interface Extra {
  readonly socket: GraphqlSocket;
}

/** One operation that came over a socket. */
interface Asked {
  readonly prepared: Prepared;
  readonly session: Session;
  readonly context: RequestContext;
  readonly socket: GraphqlSocket;
  readonly started: number;
}

/** Operations and subscriptions that one connection may have going at a time. */
export const MOST_AT_ONCE = 100;
const INIT_MS = 5_000;

const ROUTE: RequestRoute = { transport: 'graphql', method: 'WS', path: '/graphql' };

/** graphql-transport-ws over our engine instead of the library's: the library knows the messages, we what they do. */
export function graphqlProtocol(parts: ProtocolParts): Server<Extra> {
  const log = ({ session, context, started, socket }: Omit<Asked, 'prepared'>, status: number) =>
    runInRequest(context, () =>
      parts.logRequest({
        route: ROUTE,
        status,
        milliseconds: performance.now() - started,
        callerId: session.origin.caller?.principal?.personId,
        orgId: session.origin.caller?.principal?.organizationId,
        address: status >= 400 ? socket.address : undefined,
      }),
    );
  const refuse = (asked: Omit<Asked, 'prepared'>, problems: readonly Problem[]) => {
    const { errors, status } = refused(problems, asked.context.requestId);
    if (status === 401 || asked.session.refused) parts.refusals.count(asked.socket.address);
    log(asked, status);
    return errors!.map((error) => new AnsweredGraphqlError(error));
  };
  const execute = async ({ prepared, session, ...asked }: Asked): Promise<GraphqlAnswer> => {
    const answer = await runInRequest(asked.context, () => parts.engine.execute(prepared, session));
    if (answer.status === 401 || session.refused) parts.refusals.count(asked.socket.address);
    log({ session, ...asked }, answer.status);
    return answer;
  };
  const subscribe = async ({ prepared, session, socket }: Asked): Promise<FrameAnswers> => {
    const abort = new AbortController();
    const [field, subscription] = await parts.engine.subscribe(prepared, session, abort.signal);
    return new FrameAnswers(field, subscription, { session, abort, onLeave: (why) => socket.leave(why) });
  };

  return makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: INIT_MS,
    onConnect: (ctx) => connect(ctx, parts),
    onSubscribe: async ({ extra: { socket }, subscriptions }, _id, payload) => {
      const context = beginRequest();
      const origin: Origin = { requestId: context.requestId, address: socket.address, transport: 'graphql', caller: undefined };
      const session = new Session(origin, socket.token, parts);
      const asked = { session, context, socket, started: performance.now() };
      return runInRequest(context, async () => {
        try {
          parts.refusals.check(socket.address);
          if (Object.keys(subscriptions).length > MOST_AT_ONCE)
            throw new Problem(TooManyRequests, `A connection has at most ${MOST_AT_ONCE} operations at a time`);
          const prepared = await parts.engine.prepare(readRequest(payload as SubscribePayload), session);
          if (prepared.operation.node.operation !== 'subscription') return argsOf({ ...asked, prepared });
          const frames = await subscribe({ ...asked, prepared });
          log(asked, 200);
          return argsOf({ ...asked, prepared }, frames);
        } catch (error) {
          return refuse(asked, error instanceof Refused ? error.problems : [session.problem(error)]);
        }
      });
    },
    execute: (args) => execute(args.contextValue as Asked) as never,
    // Subscribed already: a refusal is told as an error, not as a first answer.
    subscribe: (args) => args.rootValue as never,
    onNext: (_ctx, _id, _payload, _args, answer) => {
      const { status: _status, retryAfter: _retryAfter, ...body } = answer as unknown as GraphqlAnswer;
      return body as never;
    },
  });
}

const argsOf = (asked: Asked, frames?: FrameAnswers): ExecutionArgs => ({
  schema: undefined as never,
  document: asked.prepared.operation.document,
  operationName: asked.prepared.operation.node.name?.value,
  rootValue: frames,
  contextValue: asked,
});

/** Signs the connection in, where it has a token. One that is wrong is told so at once. */
function connect({ connectionParams, extra: { socket }, subscriptions }: Context<any, Extra>, parts: ProtocolParts): boolean {
  socket.running = () => Object.keys(subscriptions).length;
  const given = connectionParams?.['authorization'] ?? connectionParams?.['Authorization'];
  const token = tokenIn(given === undefined ? undefined : String(given));
  if (token === undefined) return true;
  const { requestId } = beginRequest();
  const { address } = socket;
  const session = new Session({ requestId, address, transport: 'graphql' }, token, parts);
  try {
    parts.refusals.check(address);
    socket.signIn(token, parts.identify(token, session.origin));
    return true;
  } catch (error) {
    if (session.problem(error).definition.status === 401) parts.refusals.count(address);
    return false;
  }
}
