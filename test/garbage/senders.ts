import type { OperationDefinition } from '#platform/contract/operation';
import { agentOf, callTool } from '../mcp/agent.ts';
import type { RunningApp } from '../support/app.ts';
import { documentOf } from '../support/graphql.ts';
import { GrpcClient } from '../support/grpc-client.ts';
import { Person } from '../support/person.ts';
import { Socket } from '../support/socket.ts';

/** How an input was answered: with a problem's code, or with success. */
export interface Answered {
  readonly code: string | undefined;
  /** Of what was wrong; nothing internal may be in it. */
  readonly text: string;
}

/** A way to send any input to an operation, whether the protocol has a place for it or not. */
export interface Sender {
  readonly name: string;
  serves?(contract: OperationDefinition): boolean;
  send(contract: OperationDefinition, input: Record<string, unknown>, token: string): Promise<Answered>;
  close?(): void;
}

const SUCCESS: Answered = { code: undefined, text: '' };

const refused = (problem: { code: string }): Answered => ({ code: problem.code, text: JSON.stringify(problem) });

const somebody = (app: RunningApp, token: string) => Object.assign(new Person(app, ''), { token });

export const overGraphql = (app: RunningApp): Sender => ({
  name: 'GraphQL',
  async send(contract, input, token) {
    const { query, variables } = documentOf(contract, input);
    const { status, body } = await somebody(app, token).post('/graphql', { query, variables });
    if (body.errors) return refused(body.errors[0].extensions.problem);
    return status === 200 ? SUCCESS : refused(body);
  },
});

export const overWebSocket = (app: RunningApp): Sender => ({
  name: 'WebSocket',
  async send(contract, input, token) {
    const { address } = somebody(app, token);
    const socket = await Socket.open(app, undefined, { headers: { 'x-forwarded-for': address } });
    await socket.signIn(token);
    const { type, problem } = await socket.call(contract.name, input);
    await socket.close();
    return type === 'answer' ? SUCCESS : refused(problem);
  },
});

export const overMcp = (app: RunningApp): Sender => ({
  name: 'MCP',
  serves: ({ agent }) => agent,
  async send(contract, input, token) {
    const agent = await agentOf(somebody(app, token));
    const { problem } = await callTool(agent, contract, input);
    await agent.close();
    return problem ? refused(problem) : SUCCESS;
  },
});

const capital = (word: string) => word[0]!.toUpperCase() + word.slice(1);

/** What protobuf has no place for is sent as the bytes of its JSON. */
export async function overGrpc(app: RunningApp): Promise<Sender> {
  const client = await GrpcClient.open(app);
  const bytesOf = (method: string, input: Record<string, unknown>): Buffer => {
    try {
      return client.encode(method, input);
    } catch {
      return Buffer.from(JSON.stringify(input));
    }
  };
  return {
    name: 'gRPC',
    async send(contract, input, token) {
      const [module, ...rest] = contract.name.split('.') as [string, ...string[]];
      const method = `${capital(module)}Service.${rest.map(capital).join('')}`;
      const as = somebody(app, token);
      const { code, details, problem } = await client.send(
        `/fondasi.${method.replace('.', '/')}`,
        bytesOf(method, input),
        { as },
        (bytes) => client.decode(method, bytes),
      );
      if (code === 0) return SUCCESS;
      return { code: problem['ErrorInfo']?.metadata.code ?? `gRPC ${code}`, text: JSON.stringify([details, problem]) };
    },
    close: () => client.close(),
  };
}
