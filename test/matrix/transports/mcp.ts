import { anonymous } from '../../support/person.ts';
import { agentOf, callTool } from '../../mcp/agent.ts';
import type { Transport } from './transport.ts';

/** As a tool of an agent, where the contract offers it. */
export const mcp: Transport = {
  name: 'mcp',
  outside: true,
  unknownFields: 'refuse',
  serves: ({ agent, access }) => agent && access.who !== 'service',
  async call({ app }, contract, input, as) {
    if (as === 'service') throw new Error('the outside is no service');
    if (!as) {
      const { body } = await anonymous(app).post('/mcp', { jsonrpc: '2.0', id: 1, method: 'tools/list' });
      return { code: body.code, pointers: [], text: JSON.stringify(body) };
    }
    const agent = await agentOf(as);
    try {
      const { problem, text } = await callTool(agent, contract, input);
      if (!problem) return { code: undefined, pointers: [], text: text! };
      const pointers = (problem.errors ?? []).map(({ pointer }: { pointer: string }) => pointer);
      return { code: problem.code, pointers, text: JSON.stringify(problem) };
    } finally {
      await agent.close();
    }
  },
};
