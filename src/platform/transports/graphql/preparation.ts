import { type GraphQLField, GraphQLError } from 'graphql';
import { InvalidInput, NotFound, TooComplex, TooManyRequests } from '../../contract/platform.problems.ts';
import { type FieldError, Problem } from '../../contract/problem.ts';
import type { Documents, KnownDocument } from './documents.ts';
import { inputFaults } from './input-faults.ts';
import { costOf, type Plan, type PlannedField, type PlannedOperation } from './plan.ts';
import type { GraphqlRequest } from './request.ts';
import type { RootField } from './root-field.ts';
import type { Variables } from './variables.ts';

/** What is ready to be run. */
export interface Prepared {
  readonly operation: PlannedOperation;
  readonly plan: Plan;
  /** As they came; `args` are out of the checked ones. */
  readonly variables: Variables;
  readonly args: ReadonlyMap<PlannedField, Record<string, any>>;
}

/** A root field whose input GraphQL itself refuses. */
export interface WrongField {
  readonly field: RootField;
  readonly errors: readonly FieldError[];
}

/** The input of some fields is wrong. Whether the caller may know is for the pipeline to say. */
export class WrongInput extends Error {
  readonly fields: readonly WrongField[];

  constructor(fields: readonly WrongField[]) {
    super('wrong input');
    this.fields = fields;
  }
}

/** Nothing of the document runs. */
export class Refused extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super('refused');
    this.problems = problems;
  }
}

/** Values that one request may answer with, links and calls counted for more. */
const MOST_COST = 10_000;

/** Finds out what a request asks for, before anything of it runs. */
export class Preparation {
  private readonly documents: Documents;
  /** Counts a document that was not known; answers how many milliseconds its sender has to wait. */
  private readonly countUnknown: (address: string) => Promise<number>;

  constructor(documents: Documents, countUnknown: (address: string) => Promise<number>) {
    this.documents = documents;
    this.countUnknown = countUnknown;
  }

  /** @throws Problem, Refused, WrongInput */
  async prepare(request: GraphqlRequest, address: string): Promise<Prepared> {
    const text = this.documents.textOf(request);
    const document = this.documents.find(text) ?? (await this.read(text, address));
    if (document.faults.length > 0) throw this.wrong(document, request);
    const operation = document.operation(request.operationName);
    const variables = operation.readVariables(request.variables);
    if (!variables)
      throw wrongInput(operation, request.variables) ?? new Problem(InvalidInput, 'The variables do not fit the document');
    const plan = operation.plan(variables);
    const args = this.args(plan, variables, operation, request.variables);
    let cost = 0;
    for (const [field, given] of args) cost += costOf(field, given);
    if (cost > MOST_COST)
      throw new Problem(TooComplex, `It would answer with some ${Math.round(cost)} values; ${MOST_COST} is the most`);
    return { operation, plan, variables: request.variables, args };
  }

  private async read(text: string, address: string): Promise<KnownDocument> {
    const wait = await this.countUnknown(address);
    if (wait > 0)
      throw new Problem(TooManyRequests, 'Too many different documents: send values as variables', {
        retryAfter: Math.ceil(wait / 1_000),
      });
    return this.documents.make(text);
  }

  private args(plan: Plan, variables: Variables, operation: PlannedOperation, given: Variables) {
    try {
      return new Map(plan.fields.map((field) => [field, field.args(variables)]));
    } catch (error) {
      // A variable that may be null where null is not taken.
      if (!(error instanceof GraphQLError)) throw error;
      throw wrongInput(operation, given) ?? new Problem(InvalidInput, error.message);
    }
  }

  /** An unknown root field is an operation that does not exist; wrong arguments are wrong input; the rest is the document's fault. */
  private wrong(document: KnownDocument, { operationName, variables }: GraphqlRequest): Error {
    const operation = document.operation(operationName);
    const fields = operation.rootType?.getFields() ?? {};
    const unknown = calledFields(operation).find(([{ name }]) => !fields[name.value] && !name.value.startsWith('__'));
    if (unknown) return new Problem(NotFound, `There is no ${operation.node.operation} "${unknown[0].name.value}"`);
    return wrongInput(operation, variables) ?? new Refused(document.faults);
  }
}

/** The calls at the root; none where directives can't be read either. */
function calledFields(operation: PlannedOperation) {
  try {
    return [...operation.rootFields({})].map(([, nodes]) => nodes as [(typeof nodes)[0], ...typeof nodes]);
  } catch {
    return [];
  }
}

function wrongInput(operation: PlannedOperation, variables: Variables): WrongInput | undefined {
  const wrong: WrongField[] = [];
  for (const [node] of calledFields(operation)) {
    const field = operation.rootType?.getFields()[node.name.value] as GraphQLField<unknown, unknown> | undefined;
    const root = field?.extensions['root'] as RootField | undefined;
    if (!root) continue;
    const errors = inputFaults(node, field!, operation.node, variables);
    if (errors.length > 0) wrong.push({ field: root, errors });
  }
  return wrong.length > 0 ? new WrongInput(wrong) : undefined;
}
