import { Injectable } from '@nestjs/common';
import type { OperationDefinition } from '../contract/operation.ts';
import { type Outcome, Metrics } from '../observability/metrics.ts';
import { inSpan } from '../observability/tracing.ts';
import type { Answer, Call } from './bound-operation.ts';
import { type Transport, TRANSPORTS } from './caller.ts';
import { expectedProblem } from './error-to-problem.ts';

/** What is recorded of every operation, whatever the protocol: how long it took, how it ended, a span of its trace. */
@Injectable()
export class Observation {
  constructor(private readonly metrics: Metrics) {}

  around({ name }: OperationDefinition, run: (call: Call) => Promise<Answer>): (call: Call) => Promise<Answer> {
    const observers = Object.fromEntries(
      TRANSPORTS.map((transport) => [transport, this.metrics.operation(name, transport)]),
    ) as Record<Transport, ReturnType<Metrics['operation']>>;
    return async (call) => {
      const started = performance.now();
      const { transport } = call.origin;
      const observe = (outcome: Outcome) => observers[transport](outcome, (performance.now() - started) / 1_000);
      try {
        const answer = await inSpan(transport === 'call' ? 'inside' : 'request', name, undefined, () => run(call));
        observe('ok');
        return answer;
      } catch (error) {
        const problem = expectedProblem(error);
        observe(problem && problem.definition.status < 500 ? 'refused' : 'failed');
        throw error;
      }
    };
  }
}
