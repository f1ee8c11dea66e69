import {
  type FieldNode,
  type FragmentDefinitionNode,
  getDirectiveValues,
  GraphQLIncludeDirective,
  GraphQLSkipDirective,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';

export interface Collecting {
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  /** Values of the variables that `@skip` and `@include` ask for. */
  readonly conditions: Readonly<Record<string, unknown>>;
}

/** Whether a fragment with this type condition says something of the object. */
type Applies = (typeCondition: string) => boolean;

/**
 * The fields of an object by the name that they answer under, in the order of the document: fragments spread, what is
 * skipped left out ("CollectFields" of the GraphQL specification).
 */
export function collectFields(
  sets: readonly SelectionSetNode[],
  applies: Applies,
  collecting: Collecting,
): Map<string, FieldNode[]> {
  const fields = new Map<string, FieldNode[]>();
  const spread = new Set<string>();
  const collect = ({ selections }: SelectionSetNode) => {
    for (const selection of selections) {
      if (isSkipped(selection, collecting.conditions)) continue;
      if (selection.kind === Kind.FIELD) {
        const key = (selection.alias ?? selection.name).value;
        const known = fields.get(key);
        if (known) known.push(selection);
        else fields.set(key, [selection]);
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        const condition = selection.typeCondition?.name.value;
        if (condition === undefined || applies(condition)) collect(selection.selectionSet);
      } else if (!spread.has(selection.name.value)) {
        const fragment = collecting.fragments.get(selection.name.value);
        spread.add(selection.name.value);
        // Nothing is missing in a valid document; wrong ones are looked at for what is wrong with them.
        if (fragment && applies(fragment.typeCondition.name.value)) collect(fragment.selectionSet);
      }
    }
  };
  sets.forEach(collect);
  return fields;
}

function isSkipped(node: SelectionNode, variables: Readonly<Record<string, unknown>>): boolean {
  if (!node.directives?.length) return false;
  if (getDirectiveValues(GraphQLSkipDirective, node, variables)?.['if'] === true) return true;
  return getDirectiveValues(GraphQLIncludeDirective, node, variables)?.['if'] === false;
}
