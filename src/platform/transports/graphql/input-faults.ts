import {
  type FieldNode,
  type GraphQLField,
  type GraphQLInputType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredInputField,
  Kind,
  type OperationDefinitionNode,
  type ValueNode,
  valueFromASTUntyped,
} from 'graphql';
import type { FieldError } from '../../contract/problem.ts';
import { INPUT, type RootField } from './root-field.ts';

/** How many wrong places an answer lists. */
const MOST_ERRORS = 20;

type Given = Readonly<Record<string, unknown>>;

/**
 * What GraphQL itself finds wrong with a field's arguments, as the pipeline tells it of any input: the pointer into
 * the contract's input, and why. Asked only once something is wrong, so that it may take its time.
 */
export function inputFaults(
  node: FieldNode,
  { args: declared, extensions }: GraphQLField<unknown, unknown>,
  operation: OperationDefinitionNode,
  variables: Given,
): FieldError[] {
  const { wrapped } = extensions['root'] as RootField;
  const faults = new Faults();
  const given: Record<string, unknown> = {};
  const values = withDefaults(operation, variables);
  for (const { name, value } of node.arguments ?? []) given[name.value] = valueOf(value, values);
  for (const [name, value] of Object.entries(given)) {
    if (declared.some((argument) => argument.name === name)) continue;
    // An operation without input has no argument for it: each of its fields is one too many.
    const fields = wrapped && name === INPUT && typeof value === 'object' && value ? Object.keys(value) : [name];
    for (const field of fields) faults.add([field], 'There is no such field');
  }
  for (const { name, type, defaultValue } of declared) {
    const missing = given[name] === undefined;
    if (missing && (!isNonNullType(type) || defaultValue !== undefined)) continue;
    faults.check(given[name], type, wrapped && name === INPUT ? [] : [name]);
  }
  return faults.found;
}

function withDefaults({ variableDefinitions = [] }: OperationDefinitionNode, variables: Given): Given {
  const defaults = variableDefinitions.flatMap(({ variable, defaultValue }) =>
    defaultValue ? [[variable.name.value, valueFromASTUntyped(defaultValue)] as const] : [],
  );
  return { ...Object.fromEntries(defaults), ...variables };
}

const valueOf = (node: ValueNode, variables: Given): unknown =>
  node.kind === Kind.VARIABLE ? variables[node.name.value] : valueFromASTUntyped(node, variables);

type Steps = readonly (string | number)[];

class Faults {
  readonly found: FieldError[] = [];

  add(path: Steps, detail: string): void {
    if (this.found.length >= MOST_ERRORS) return;
    const pointer = path.map((part) => `/${String(part).slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
    this.found.push({ pointer, detail });
  }

  check(value: unknown, type: GraphQLInputType, path: Steps): void {
    if (this.found.length >= MOST_ERRORS) return;
    if (isNonNullType(type)) {
      if (value === undefined || value === null) this.add(path, 'Required');
      else this.check(value, type.ofType, path);
    } else if (value === undefined || value === null) return;
    else if (isListType(type)) this.list(value, type.ofType, path);
    else if (isInputObjectType(type)) this.object(value, type, path);
    else this.leaf(() => type.parseValue(value), path);
  }

  private list(value: unknown, of: GraphQLInputType, path: Steps): void {
    if (Array.isArray(value)) value.forEach((item, index) => this.check(item, of, [...path, index]));
    else this.check(value, of, path);
  }

  private object(value: unknown, type: GraphQLInputType, path: Steps): void {
    if (!isInputObjectType(type)) return;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return this.add(path, 'Expected an object');
    const fields = type.getFields();
    const given = value as Given;
    for (const name of Object.keys(given)) if (!fields[name]) this.add([...path, name], 'There is no such field');
    for (const field of Object.values(fields))
      if (given[field.name] !== undefined || isRequiredInputField(field))
        this.check(given[field.name], field.type, [...path, field.name]);
    const chosen = Object.values(given).filter((item) => item !== undefined && item !== null);
    if (type.isOneOf && (chosen.length !== 1 || Object.keys(given).length !== 1))
      this.add(path, 'Expected exactly one of its fields');
  }

  private leaf(parse: () => unknown, path: Steps): void {
    try {
      parse();
    } catch (error) {
      this.add(path, (error as Error).message.replace(/ Did you mean .*/s, ''));
    }
  }
}
