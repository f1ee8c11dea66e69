import {
  coerceInputValue,
  type GraphQLInputType,
  type GraphQLSchema,
  isNonNullType,
  type OperationDefinitionNode,
  typeFromAST,
  valueFromAST,
} from 'graphql';

export type Variables = Readonly<Record<string, unknown>>;

class Wrong extends Error {}

const refuse = () => {
  throw new Wrong();
};

/** How the variables of an operation are read; made once for a document. Undefined when some variable is wrong. */
export function variableReader(
  schema: GraphQLSchema,
  { variableDefinitions = [] }: OperationDefinitionNode,
): (given: Variables) => Variables | undefined {
  const declared = variableDefinitions.map(({ variable, type: node, defaultValue }) => {
    const type = typeFromAST(schema, node as never) as unknown as GraphQLInputType;
    return { name: variable.name.value, type, fallback: defaultValue && valueFromAST(defaultValue, type) };
  });
  return (given) => {
    const values: Record<string, unknown> = {};
    try {
      for (const { name, type, fallback } of declared) {
        const value = Object.hasOwn(given, name) ? given[name] : undefined;
        if (value !== undefined) values[name] = coerceInputValue(value, type, refuse);
        else if (fallback !== undefined) values[name] = fallback;
        else if (isNonNullType(type)) return undefined;
      }
      return values;
    } catch (error) {
      // What exhausts the stack is nested beyond all use.
      if (error instanceof Wrong || error instanceof RangeError) return undefined;
      throw error;
    }
  };
}
