import { executeSync, type GraphQLSchema, Kind } from 'graphql';
import type { Subscription } from '../../realtime/bound-channel.ts';
import { type GraphqlAnswer, refused } from './answer.ts';
import { DocumentProblem } from './document.ts';
import { FieldAnswers } from './field-answers.ts';
import type { PlannedField } from './plan.ts';
import { type Preparation, type Prepared, Refused, WrongInput } from './preparation.ts';
import type { GraphqlRequest } from './request.ts';
import type { Session } from './session.ts';

/**
 * Runs what was asked for: each root field is one call of its operation through the pipeline. GraphQL's own library
 * parses and validates; what is left is to pick the selected fields out of values whose shape the pipeline vouches
 * for, which takes none of a general executor's work.
 */
export class GraphqlEngine {
  private readonly schema: GraphQLSchema;
  private readonly preparation: Preparation;

  constructor(schema: GraphQLSchema, preparation: Preparation) {
    this.schema = schema;
    this.preparation = preparation;
  }

  /** @throws Refused */
  async prepare(request: GraphqlRequest, session: Session): Promise<Prepared> {
    try {
      return await this.preparation.prepare(request, session.origin.address);
    } catch (error) {
      if (error instanceof Refused) throw error;
      if (error instanceof WrongInput) throw new Refused(await session.tellWrongInput(error.fields));
      throw new Refused([session.problem(error)]);
    }
  }

  /** Answers a query or a mutation, in any case. `only`: anything else is refused. */
  async run(request: GraphqlRequest, session: Session, only?: 'query'): Promise<GraphqlAnswer> {
    try {
      const prepared = await this.prepare(request, session);
      const { operation } = prepared.operation.node;
      if (operation === 'subscription') throw new Refused([notHere('Subscriptions are served over WebSocket')]);
      if (only && operation !== only) throw new Refused([notHere('A GET runs queries; send anything else by POST')]);
      return await this.execute(prepared, session);
    } catch (error) {
      const problems = error instanceof Refused ? error.problems : [session.problem(error)];
      return refused(problems, session.origin.requestId);
    }
  }

  async execute({ operation, plan, variables, args }: Prepared, session: Session): Promise<GraphqlAnswer> {
    const answers = new FieldAnswers(session);
    if (operation.node.operation === 'mutation') for (const field of plan.fields) await answers.call([field], args);
    else await answers.call(plan.fields, args);
    const introspected = this.introspect({ operation, plan, variables });
    const data: Record<string, unknown> = {};
    for (const root of plan.roots) {
      if (root.kind === 'field') data[root.key] = answers.values.get(root.key);
      else data[root.key] = root.kind === 'typename' ? root.value : introspected[root.key];
    }
    return answers.answer(data, plan.roots.length);
  }

  /** @throws Problem */
  async subscribe({ plan, args }: Prepared, session: Session, signal: AbortSignal): Promise<[PlannedField, Subscription]> {
    const [field] = plan.fields;
    if (!field || !('channel' in field.field.serves)) throw notHere('A subscription follows one channel');
    const { after, ...params } = args.get(field)!;
    const subscription = await field.field.serves.channel.subscribe({
      ...session.caller,
      input: () => field.field.input(params),
      after: after ?? undefined,
      signal,
    });
    return [field, subscription];
  }

  private introspect({
    operation,
    plan,
    variables,
  }: Pick<Prepared, 'operation' | 'plan' | 'variables'>): Record<string, unknown> {
    const selections = plan.roots.flatMap((root) => (root.kind === 'introspection' ? root.nodes : []));
    if (selections.length === 0) return {};
    const only = { ...operation.node, selectionSet: { kind: Kind.SELECTION_SET as const, selections } };
    const fragments = operation.document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION);
    const document = { ...operation.document, definitions: [only, ...fragments] };
    return executeSync({ schema: this.schema, document, variableValues: variables }).data ?? {};
  }
}

const notHere = (message: string) => new DocumentProblem({ message, locations: undefined });
