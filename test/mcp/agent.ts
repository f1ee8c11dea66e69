import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { OperationDefinition } from '#platform/contract/operation';
import { toolName } from '#platform/transports/mcp/tools';
import type { Person } from '../support/person.ts';

/** Somebody's agent, connected. */
export async function agentOf(person: Person): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${person.app.url}/mcp`), {
      requestInit: { headers: { authorization: `Bearer ${person.token}`, 'x-forwarded-for': person.address } },
    }),
  );
  return client;
}

/** What a tool answers: the problem where it was refused. */
export async function callTool(agent: Client, { name }: Pick<OperationDefinition<any, any>, 'name'>, input: object) {
  const result = await agent.callTool({ name: toolName(name), arguments: input as Record<string, unknown> });
  const [content] = result.content as { type: string; text: string }[];
  const body = result.structuredContent as any;
  return result.isError ? { problem: JSON.parse(content!.text) } : { text: content!.text, body };
}
