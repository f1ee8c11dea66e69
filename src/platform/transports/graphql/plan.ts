import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  getArgumentValues,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
} from 'graphql';
import { collectFields, type Collecting } from './collect-fields.ts';
import { PAGING } from './connection.ts';
import type { RootField } from './root-field.ts';
import { type Composite, compositeOf } from './selection.ts';
import { variableReader, type Variables } from './variables.ts';

/** One field at the root of a plan. */
export type PlannedRoot =
  | { readonly key: string; readonly kind: 'typename'; readonly value: string }
  | { readonly key: string; readonly kind: 'introspection'; readonly nodes: readonly FieldNode[] }
  | PlannedField;

/** A call of an operation, or a subscription to a channel. */
export interface PlannedField {
  readonly key: string;
  readonly kind: 'field';
  readonly field: RootField;
  readonly args: (variables: Variables) => Record<string, any>;
  readonly composite: Composite | undefined;
  /** What a page of so many costs; undefined for what is no page. */
  readonly pageCost: ((length: number) => number) | undefined;
}

export interface Plan {
  readonly roots: readonly PlannedRoot[];
  readonly fields: readonly PlannedField[];
}

/** An operation of a valid document, compiled when it is first asked for. */
export class PlannedOperation {
  readonly node: OperationDefinitionNode;
  readonly document: DocumentNode;
  private readonly schema: GraphQLSchema;
  private readonly fragments = new Map<string, FragmentDefinitionNode>();
  /** Variables that decide what is left out: each combination is a plan of its own. */
  private readonly conditions: readonly string[];
  private readonly plans = new Map<string, Plan>();
  private reader: ((given: Variables) => Variables | undefined) | undefined;

  constructor(schema: GraphQLSchema, document: DocumentNode, node: OperationDefinitionNode) {
    this.schema = schema;
    this.document = document;
    this.node = node;
    for (const definition of document.definitions)
      if (definition.kind === Kind.FRAGMENT_DEFINITION) this.fragments.set(definition.name.value, definition);
    this.conditions = conditionsOf(document);
  }

  /** Undefined only in a document that is not valid. */
  get rootType(): GraphQLObjectType | undefined {
    return this.schema.getRootType(this.node.operation) ?? undefined;
  }

  /** Undefined when some variable is wrong. */
  readVariables(given: Variables): Variables | undefined {
    return (this.reader ??= variableReader(this.schema, this.node))(given);
  }

  plan(variables: Variables): Plan {
    if (this.conditions.length > MOST_CONDITIONS) return this.compile(variables);
    const combination = this.conditions.map((name) => String(variables[name])).join();
    let plan = this.plans.get(combination);
    if (!plan) this.plans.set(combination, (plan = this.compile(variables)));
    return plan;
  }

  /** A field at the root as often as it is called: fragments spread, what is left out left out. */
  rootFields(conditions: Variables): Map<string, FieldNode[]> {
    return collectFields([this.node.selectionSet], (type) => type === this.rootType?.name, {
      fragments: this.fragments,
      conditions,
    });
  }

  private compile(variables: Variables): Plan {
    const collecting: Collecting = { fragments: this.fragments, conditions: variables };
    const root = this.rootType!;
    const roots = [...this.rootFields(variables)].map(([key, nodes]): PlannedRoot => {
      const name = nodes[0]!.name.value;
      if (name === '__typename') return { key, kind: 'typename', value: root.name };
      if (name.startsWith('__')) return { key, kind: 'introspection', nodes };
      return plannedField(key, root.getFields()[name]!, nodes, collecting);
    });
    return { roots, fields: roots.filter(({ kind }) => kind === 'field') as PlannedField[] };
  }
}

/** Beyond that the combinations would fill the memory. */
const MOST_CONDITIONS = 4;

function plannedField(
  key: string,
  field: GraphQLField<unknown, unknown>,
  nodes: readonly FieldNode[],
  collecting: Collecting,
): PlannedField {
  const { root } = field.extensions as unknown as { root: RootField };
  const composite = compositeOf(field.type, nodes, collecting);
  return {
    key,
    kind: 'field',
    field: root,
    args: argumentsOf(field, nodes[0]!),
    composite,
    pageCost: root.paged
      ? costOfPage(compositeOf(field.type, nodes, collecting, 1)!, compositeOf(field.type, nodes, collecting, 2)!)
      : undefined,
  };
}

/** The cost of a page grows with its length; two lengths tell how. */
function costOfPage(ofOne: Composite, ofTwo: Composite): (length: number) => number {
  const each = ofTwo.cost - ofOne.cost;
  return (length) => ofOne.cost + each * (length - 1);
}

/** What a call costs in itself. */
const CALL_COST = 10;

/** A page longer than this is refused by the contract, whatever it says. */
const LONGEST_PAGE = 1_000;

export const costOf = ({ composite, pageCost }: PlannedField, args: Record<string, any>): number => {
  const length = Math.min(Math.max(Number(args[PAGING.limit] ?? 0), 0), LONGEST_PAGE);
  return CALL_COST + (pageCost?.(length) ?? composite?.cost ?? 0);
};

/** Most arguments are variables; these are taken as they are. */
function argumentsOf(field: GraphQLField<unknown, unknown>, node: FieldNode) {
  const given = node.arguments ?? [];
  const names = new Map<string, string>();
  for (const { name, value } of given) if (value.kind === Kind.VARIABLE) names.set(name.value, value.name.value);
  const fallbacks = Object.fromEntries(
    field.args.flatMap((argument) => (argument.defaultValue === undefined ? [] : [[argument.name, argument.defaultValue]])),
  );
  if (names.size < given.length) return (variables: Variables) => getArgumentValues(field, node, variables);
  return (variables: Variables) => {
    const args: Record<string, unknown> = { ...fallbacks };
    for (const [name, variable] of names) if (variables[variable] !== undefined) args[name] = variables[variable];
    return args;
  };
}

/** Names of the variables in `@skip(if: $name)` and `@include(if: $name)`. */
function conditionsOf(document: DocumentNode): string[] {
  const names = new Set<string>();
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(visit);
    if (typeof value !== 'object' || value === null) return;
    const node = value as { kind?: string; directives?: readonly any[]; selectionSet?: unknown; selections?: unknown };
    for (const { arguments: given = [] } of node.directives ?? [])
      for (const { value: of } of given) if (of.kind === Kind.VARIABLE) names.add(of.name.value);
    visit(node.selectionSet);
    visit(node.selections);
  };
  visit(document.definitions);
  return [...names];
}
