import type { CallToolResult, Tool } from '@modelcontextprotocol/server';
import { isForOutside } from '../../contract/access.ts';
import type { OperationDefinition } from '../../contract/operation.ts';
import type { Problem } from '../../contract/problem.ts';
import type { BoundOperation } from '../../operations/bound-operation.ts';
import { problemBody } from '../../operations/problem-body.ts';
import { wholeJsonSchema } from '../json-schema.ts';

/** An operation that its contract offers to agents. */
export interface OfferedTool {
  readonly tool: Tool;
  readonly operation: BoundOperation;
}

/** Model providers take letters, digits, `_` and `-`. */
export const toolName = (operation: string) => operation.replaceAll('.', '_');

/** What contracts mark `agent: true`. From outside, what only modules may call does not exist. */
export const toolsOf = (operations: readonly BoundOperation[]): ReadonlyMap<string, OfferedTool> =>
  new Map(
    operations
      .filter(({ contract }) => contract.agent && isForOutside(contract))
      .map((operation) => [toolName(operation.contract.name), { tool: toolOf(operation.contract), operation }]),
  );

function toolOf(contract: OperationDefinition): Tool {
  const { name, summary, description, input, output, method, retry, success } = contract;
  return {
    name: toolName(name),
    title: summary,
    description: description ? `${summary}. ${description}` : summary,
    inputSchema: wholeJsonSchema(input, 'input') as Tool['inputSchema'],
    ...(success !== 204 && { outputSchema: wholeJsonSchema(output, 'output') as Tool['outputSchema'] }),
    annotations: {
      readOnlyHint: method === 'GET',
      destructiveHint: method === 'DELETE',
      idempotentHint: retry === 'safe',
      openWorldHint: false,
    },
  };
}

export const answered = (body: unknown): CallToolResult =>
  body === undefined
    ? { content: [{ type: 'text', text: 'Done.' }] }
    : { content: [{ type: 'text', text: JSON.stringify(body) }], structuredContent: body as Record<string, unknown> };

/** The model reads it, and can do better at its next try. */
export const refused = (problem: Problem, requestId: string): CallToolResult => ({
  isError: true,
  content: [{ type: 'text', text: JSON.stringify(problemBody(problem, requestId)) }],
});
