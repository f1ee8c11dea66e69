import {
  type FieldNode,
  getNamedType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  isLeafType,
  isListType,
  isNonNullType,
  isUnionType,
  type SelectionSetNode,
} from 'graphql';
import { collectFields, type Collecting } from './collect-fields.ts';
import type { LinkField } from './links.ts';
import type { FieldExtensions } from './types.ts';

/** What is wanted of an object. */
export interface Selection {
  readonly fields: readonly SelectedField[];
  /** Those of the fields that are links, or have some below. */
  readonly linked: readonly SelectedField[];
}

export interface SelectedField {
  readonly key: string;
  /** The field's value; undefined is null. Of a link the id. */
  readonly read: (parent: any) => any;
  /** Undefined for a scalar. */
  readonly composite: Composite | undefined;
  readonly link: LinkField | undefined;
}

/** What is wanted of a value that is an object, one of a union, or a list of such. */
export interface Composite {
  readonly of: (value: any) => Selection;
  readonly linked: boolean;
  /** Values that it may answer with at most, as far as can be told. */
  readonly cost: number;
}

/** How long a list inside an object is taken to be: it came with the object, whoever asks for it. */
const USUAL_LENGTH = 3;
/** A link is a row of another module. */
const LINK_COST = 5;

/**
 * Compiles what is selected of a type, once for a document: to answer then takes no look at the document any more.
 * No code is generated, so that a document costs little that is asked once. `length` is that of the first list on the way.
 */
export function compositeOf(
  type: GraphQLOutputType,
  nodes: readonly FieldNode[],
  collecting: Collecting,
  length = USUAL_LENGTH,
): Composite | undefined {
  const named = getNamedType(type);
  if (isLeafType(named)) return undefined;
  const sets = nodes.map((node) => node.selectionSet!);
  const isList = isListType(isNonNullType(type) ? type.ofType : type);
  const times = isList ? length : 1;
  const below = isList ? USUAL_LENGTH : length;
  if (isUnionType(named)) {
    const members = new Map(
      named.getTypes().map((member) => [member.name, selectionOf(member, sets, collecting, below, named.name)] as const),
    );
    const all = [...members.values()];
    return {
      of: (value) => members.get(named.resolveType!(value, undefined, undefined as never, named) as string)!.selection,
      linked: all.some(({ selection }) => selection.linked.length > 0),
      cost: times * Math.max(...all.map(({ cost }) => cost)),
    };
  }
  const { selection, cost } = selectionOf(named as GraphQLObjectType, sets, collecting, below);
  return { of: () => selection, linked: selection.linked.length > 0, cost: times * cost };
}

function selectionOf(
  type: GraphQLObjectType,
  sets: readonly SelectionSetNode[],
  collecting: Collecting,
  length: number,
  union?: string,
): { selection: Selection; cost: number } {
  const applies = (condition: string) => condition === type.name || condition === union;
  const fields = [...collectFields(sets, applies, collecting)].map(([key, nodes]) =>
    fieldOf(key, nodes, type, collecting, length),
  );
  const linked = fields.filter(({ link, composite }) => link ?? composite?.linked);
  return {
    selection: { fields, linked },
    cost: fields.reduce((sum, { link, composite }) => sum + (composite?.cost ?? 1) + (link ? LINK_COST : 0), 1),
  };
}

function fieldOf(
  key: string,
  nodes: readonly FieldNode[],
  type: GraphQLObjectType,
  collecting: Collecting,
  length: number,
): SelectedField {
  const name = nodes[0]!.name.value;
  if (name === '__typename') return { key, read: () => type.name, composite: undefined, link: undefined };
  const field = type.getFields()[name]!;
  const { link } = field.extensions as FieldExtensions;
  const { resolve } = field;
  const read = link
    ? (parent: any) => parent[link.by]
    : resolve
      ? (parent: any) => resolve(parent, {}, undefined, undefined as never)
      : (parent: any) => parent[name];
  return { key, read, composite: compositeOf(field.type, nodes, collecting, link ? USUAL_LENGTH : length), link };
}
