import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  NoSchemaIntrospectionCustomRule,
  type OperationDefinitionNode,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import { InvalidDocument, TooComplex } from '../../contract/platform.problems.ts';
import { Problem } from '../../contract/problem.ts';
import { limitDocument, LONGEST, MOST_TOKENS } from './document-limits.ts';

/** A problem with the places in the document that it is about. */
export class DocumentProblem extends Problem {
  readonly locations: GraphQLError['locations'];

  constructor({ message, locations }: Pick<GraphQLError, 'message' | 'locations'>) {
    super(InvalidDocument, message);
    this.locations = locations;
  }
}

const MOST_ERRORS = 10;
const HINT = / Did you mean .*/s;

/**
 * The document behind a text, not validated yet.
 * @throws Problem InvalidDocument, TooComplex
 */
export function parseDocument(text: string): DocumentNode {
  if (text.length > LONGEST) throw new Problem(TooComplex, `A document has at most ${LONGEST} characters`);
  const document = parsed(text);
  limitDocument(document);
  return document;
}

function parsed(text: string): DocumentNode {
  try {
    return parse(text, { maxTokens: MOST_TOKENS });
  } catch (error) {
    // What exhausts the stack is nested beyond all use.
    if (error instanceof RangeError) throw new Problem(TooComplex, 'The document is nested too deep');
    if (!(error instanceof GraphQLError)) throw error;
    if (error.message.includes('tokens')) throw new Problem(TooComplex, `A document has at most ${MOST_TOKENS} tokens`);
    throw new DocumentProblem(error);
  }
}

/** What is wrong with a document. Without introspection nothing is suggested, or guessing would find the schema. */
export function faultsOf(schema: GraphQLSchema, document: DocumentNode, introspection: boolean): readonly DocumentProblem[] {
  const rules = introspection ? specifiedRules : [...specifiedRules, NoSchemaIntrospectionCustomRule];
  const options = { maxErrors: MOST_ERRORS, hideSuggestions: !introspection };
  return validate(schema, document, rules, options).map(
    // Not every rule knows that nothing is to be suggested.
    ({ message, locations }) => new DocumentProblem({ message: introspection ? message : message.replace(HINT, ''), locations }),
  );
}

/** @throws Problem InvalidDocument when the name names none, or there are several and no name */
export function operationNamed(document: DocumentNode, name: string | undefined): OperationDefinitionNode {
  const operations = document.definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  const [operation, another] = name === undefined ? operations : operations.filter((each) => each.name?.value === name);
  if (!operation || another) throw new Problem(InvalidDocument, 'Name one operation of the document as operationName');
  return operation;
}
