import type { Problem } from '../../contract/problem.ts';
import type { Call } from '../../operations/bound-operation.ts';
import type { Origin } from '../../operations/caller.ts';
import { answeredProblem } from '../../operations/error-to-problem.ts';
import { RefusedInput } from '../../operations/input.ts';
import { LinkLoader } from './link-loader.ts';
import type { LinkTarget } from './links.ts';
import type { PlannedField } from './plan.ts';
import type { WrongField } from './preparation.ts';
import { idempotencyKeyOf } from './root-field.ts';

/** Takes what nobody foresaw, for the log. */
export type Report = (error: unknown, requestId: string) => void;

type Called = { readonly value: unknown; readonly replayed: boolean } | { readonly problem: Problem };

/** Who asks, and from where: makes the calls of one request, each through the pipeline of its operation. */
export class Session {
  readonly origin: Origin;
  private readonly token: string | undefined;
  private readonly report: Report;

  constructor(origin: Origin, token: string | undefined, report: Report) {
    this.origin = origin;
    this.token = token;
    this.report = report;
  }

  get caller(): Pick<Call, 'credentials' | 'origin' | 'unknownFields'> {
    return { credentials: { token: this.token }, origin: this.origin, unknownFields: 'refuse' };
  }

  problem(error: unknown): Problem {
    return answeredProblem(error, (cause) => this.report(cause, this.origin.requestId));
  }

  async call({ field }: PlannedField, args: Record<string, any>): Promise<Called> {
    try {
      if (!('operation' in field.serves)) throw new Error('a channel is no operation');
      const answer = await field.serves.operation.invoke({
        ...this.caller,
        input: () => field.input(args),
        form: 'value',
        idempotencyKey: idempotencyKeyOf(args),
      });
      return { value: field.empty ? true : answer.body, replayed: answer.replayed };
    } catch (error) {
      return { problem: this.problem(error) };
    }
  }

  links(): LinkLoader {
    const fetch = async ({ operation }: LinkTarget, ids: readonly string[]) => {
      const answer = await operation.invoke({ ...this.caller, input: () => ({ ids }), form: 'value' });
      return (answer.body as { items: { id: string }[] }).items;
    };
    return new LinkLoader(fetch, (error) => this.problem(error));
  }

  /** Lets the pipeline say what is wrong, so that access and limits come first here too. */
  async tellWrongInput(fields: readonly WrongField[]): Promise<Problem[]> {
    const problems: Problem[] = [];
    for (const { field, errors } of fields) {
      const input = () => new RefusedInput(errors);
      try {
        if ('operation' in field.serves) await field.serves.operation.invoke({ ...this.caller, input, form: 'value' });
        else (await field.serves.channel.subscribe({ ...this.caller, input, after: undefined })).close();
        throw new Error('wrong input was taken');
      } catch (error) {
        problems.push(this.problem(error));
      }
    }
    return problems;
  }
}
