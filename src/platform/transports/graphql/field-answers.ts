import type { Problem } from '../../contract/problem.ts';
import { answeredError, type AnsweredError, type GraphqlAnswer } from './answer.ts';
import type { LinkLoader } from './link-loader.ts';
import type { PlannedField } from './plan.ts';
import type { Prepared } from './preparation.ts';
import { Projection } from './projection.ts';
import type { Session } from './session.ts';

/** The values of root fields, with what went wrong on the way. */
export class FieldAnswers {
  readonly values = new Map<string, unknown>();
  private readonly errors: AnsweredError[] = [];
  private readonly failed: Problem[] = [];
  private readonly replayed: string[] = [];
  private readonly session: Session;

  constructor(session: Session) {
    this.session = session;
  }

  /** Calls the fields at the same time, and loads the links of all of them together. */
  async call(fields: readonly PlannedField[], args: Prepared['args']): Promise<void> {
    const called = await Promise.all(fields.map((field) => this.session.call(field, args.get(field)!)));
    const answered: { field: PlannedField; value: unknown }[] = [];
    for (const [index, field] of fields.entries()) {
      const each = called[index]!;
      if ('problem' in each) this.fail(field, each.problem);
      else {
        if (each.replayed) this.replayed.push(field.key);
        answered.push({ field, value: each.value });
      }
    }
    await this.take(answered);
  }

  /** Takes values that are there already, with their links where somebody has loaded them. */
  async take(
    answered: readonly { field: PlannedField; value: unknown }[],
    links: LinkLoader = this.session.links('asked'),
  ): Promise<void> {
    const linking = answered.flatMap(({ field: { composite }, value }) => (composite?.linked ? [{ composite, value }] : []));
    if (linking.length > 0) await links.load(linking);
    const { requestId } = this.session.origin;
    const projection = new Projection(links, (problem, path) => this.errors.push(answeredError(problem, requestId, { path })));
    for (const { field, value } of answered)
      this.values.set(field.key, field.composite ? projection.of(field.composite, value, [field.key]) : value);
  }

  /** `roots` are all of the request's, also those that call nothing. */
  answer(data: Record<string, unknown>, roots: number): GraphqlAnswer {
    const { errors, failed, replayed } = this;
    // A token that opens nothing: whoever renews tokens looks for this status, whoever tries many is counted by it.
    const unauthenticated = failed.length === roots && failed.every(({ definition }) => definition.status === 401);
    return {
      data,
      ...(errors.length > 0 && { errors }),
      ...(replayed.length > 0 && { extensions: { replayed } }),
      status: unauthenticated ? 401 : 200,
    };
  }

  private fail({ key, field }: PlannedField, problem: Problem): void {
    this.values.set(key, null);
    this.failed.push(problem);
    this.errors.push(answeredError(problem, this.session.origin.requestId, { path: [key], pointer: field.pointer }));
  }
}
