import { Unauthenticated } from '../../contract/platform.problems.ts';
import type { Problem } from '../../contract/problem.ts';
import type { Call } from '../../operations/bound-operation.ts';
import type { Origin, Principal } from '../../operations/caller.ts';
import { answeredProblem, expectedProblem } from '../../operations/error-to-problem.ts';
import { RefusedInput } from '../../operations/input.ts';
import { LinkLoader } from './link-loader.ts';
import type { LinkTarget } from './links.ts';
import type { PlannedField } from './plan.ts';
import type { WrongField } from './preparation.ts';
import { idempotencyKeyOf } from './root-field.ts';

/** Takes what nobody foresaw, for the log. */
export type Report = (error: unknown, requestId: string) => void;

export interface SessionParts {
  readonly report: Report;
  /** Who a token was made for. @throws Problem Unauthenticated */
  readonly identify: (token: string, origin: Origin) => Principal;
}

type Called = { readonly value: unknown; readonly replayed: boolean } | { readonly problem: Problem };

/** Who asks, and from where: makes the calls of one request, each through the pipeline of its operation. */
export class Session {
  readonly origin: Origin;
  /** Whether something was refused because of the token. It is counted by address, whatever else the request answered. */
  refused = false;
  private token: string | undefined;
  private readonly parts: SessionParts;
  private looked = false;
  private wrongToken = false;

  constructor(origin: Origin, token: string | undefined, parts: SessionParts) {
    this.origin = origin;
    this.token = token;
    this.parts = parts;
  }

  get caller(): Pick<Call, 'credentials' | 'origin' | 'unknownFields'> {
    return { credentials: { token: this.believed() }, origin: this.origin, unknownFields: 'refuse' };
  }

  problem(error: unknown): Problem {
    const problem = answeredProblem(error, (cause) => this.parts.report(cause, this.origin.requestId));
    if (this.wrongToken && problem.definition === Unauthenticated) this.refused = true;
    return problem;
  }

  /**
   * A request may make many calls, and a forged signature is looked at once. Without its token a call is answered as with
   * a wrong one: refused, or as anybody's where anybody may call.
   */
  private believed(): string | undefined {
    if (this.looked || this.token === undefined) return this.token;
    this.looked = true;
    try {
      this.parts.identify(this.token, this.origin);
    } catch (error) {
      if (expectedProblem(error)?.definition !== Unauthenticated) throw error;
      this.wrongToken = true;
      this.token = undefined;
    }
    return this.token;
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

  /** Loads links; those of what is pushed count against nobody's limit. */
  links(of: 'asked' | 'pushed'): LinkLoader {
    const counted = of === 'pushed' ? { counted: false as const } : {};
    const fetch = async ({ operation }: LinkTarget, ids: readonly string[]) => {
      const answer = await operation.invoke({ ...this.caller, ...counted, input: () => ({ ids }), form: 'value' });
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
