import type { ProblemDefinition } from '../../contract/problem.ts';
import { type Json, schemaRef } from '../json-schema.ts';

/** Responses by status, each with all the problems that have it. */
export function problemResponses(problems: readonly ProblemDefinition[]): Json {
  const byStatus = Map.groupBy(new Set(problems), ({ status }) => status);
  return Object.fromEntries(
    [...byStatus].map(([status, same]) => [
      status,
      {
        description: same.map(({ code, title }) => `\`${code}\`: ${title}`).join('\n\n'),
        content: { 'application/problem+json': { schema: schemaRef('Problem') } },
      },
    ]),
  );
}
