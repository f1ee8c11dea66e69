import { type ASTNode, type DocumentNode, Kind, type SelectionSetNode, type ValueNode } from 'graphql';
import { InvalidDocument, TooComplex } from '../../contract/platform.problems.ts';
import { Problem } from '../../contract/problem.ts';

/** Characters of a document that is parsed at all. */
export const LONGEST = 50_000;
/** Names, brackets and values in it. */
export const MOST_TOKENS = 5_000;

const DEEPEST = 16;
const MOST_ROOT_FIELDS = 20;
/** Each may answer the same long text once more. */
const MOST_ALIASES = 50;
const MOST_DIRECTIVES = 50;
const MOST_VARIABLES = 100;
/** Fields and fragments, with each fragment counted wherever it is spread. */
const MOST_SELECTIONS = 2_000;
/**
 * Pairs of fields on one level that answer under one name. Validation compares each with each ("fields can merge"), so
 * that their number, not that of the fields, is what it costs.
 */
const MOST_PAIRS = 20_000;

const tooComplex = (detail: string) => new Problem(TooComplex, detail);

/**
 * Refuses what would cost much to validate or to run, by counting alone. Runs before validation, so nothing of the
 * document is known to be right: fragments may be missing, or contain themselves.
 * @throws Problem TooComplex, InvalidDocument
 */
export function limitDocument(document: DocumentNode): void {
  const fragments = new Map<string, SelectionSetNode>();
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition.selectionSet);
  const count = new Count(fragments);
  for (const definition of document.definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION) {
      if ((definition.variableDefinitions?.length ?? 0) > MOST_VARIABLES)
        throw tooComplex(`An operation has at most ${MOST_VARIABLES} variables`);
      count.rootFields = 0;
      count.selections(definition.selectionSet, 1);
    } else if (definition.kind === Kind.FRAGMENT_DEFINITION) count.selections(definition.selectionSet, 2);
    count.directives(definition);
  }
}

class Count {
  rootFields = 0;
  private visited = 0;
  private aliases = 0;
  private pairs = 0;
  private directivesSeen = 0;
  /** How often a name stands on a level. */
  private readonly levels: Map<string, number>[] = [];
  private readonly fragments: ReadonlyMap<string, SelectionSetNode>;

  constructor(fragments: ReadonlyMap<string, SelectionSetNode>) {
    this.fragments = fragments;
  }

  selections({ selections }: SelectionSetNode, depth: number): void {
    if (depth > DEEPEST) throw tooComplex(`Fields nest at most ${DEEPEST} deep`);
    for (const selection of selections) {
      if (++this.visited > MOST_SELECTIONS) throw tooComplex(`A document has at most ${MOST_SELECTIONS} fields and fragments`);
      this.directives(selection);
      if (selection.kind === Kind.INLINE_FRAGMENT) this.selections(selection.selectionSet, depth);
      else if (selection.kind === Kind.FRAGMENT_SPREAD) {
        const fragment = this.fragments.get(selection.name.value);
        if (fragment) this.selections(fragment, depth);
      } else {
        if (depth === 1 && ++this.rootFields > MOST_ROOT_FIELDS)
          throw tooComplex(`A request runs at most ${MOST_ROOT_FIELDS} operations`);
        if (selection.alias && ++this.aliases > MOST_ALIASES)
          throw tooComplex(`A document has at most ${MOST_ALIASES} fields under other names`);
        this.name((selection.alias ?? selection.name).value, depth);
        for (const argument of selection.arguments ?? []) limitValue(argument.value, 0);
        if (selection.selectionSet) this.selections(selection.selectionSet, depth + 1);
      }
    }
  }

  directives(node: ASTNode): void {
    const { directives = [] } = node as { directives?: readonly { arguments?: readonly { value: ValueNode }[] }[] };
    this.directivesSeen += directives.length;
    if (this.directivesSeen > MOST_DIRECTIVES) throw tooComplex(`A document has at most ${MOST_DIRECTIVES} directives`);
    for (const directive of directives) for (const argument of directive.arguments ?? []) limitValue(argument.value, 0);
  }

  private name(name: string, depth: number): void {
    // No client means it, and an object answered under it would be the prototype of the answer.
    if (name === '__proto__') throw new Problem(InvalidDocument, 'No field answers as "__proto__"');
    const level = (this.levels[depth] ??= new Map());
    const before = level.get(name) ?? 0;
    level.set(name, before + 1);
    this.pairs += before;
    if (this.pairs > MOST_PAIRS) throw tooComplex('Too many fields answer under the same name');
  }
}

function limitValue(value: ValueNode, depth: number): void {
  if (depth > DEEPEST) throw tooComplex(`Values nest at most ${DEEPEST} deep`);
  if (value.kind === Kind.LIST) for (const item of value.values) limitValue(item, depth + 1);
  if (value.kind === Kind.OBJECT) for (const field of value.fields) limitValue(field.value, depth + 1);
}
