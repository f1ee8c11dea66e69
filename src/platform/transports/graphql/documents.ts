import type { DocumentNode, GraphQLSchema } from 'graphql';
import { InvalidDocument, UnknownDocument } from '../../contract/platform.problems.ts';
import { Problem } from '../../contract/problem.ts';
import { type DocumentProblem, faultsOf, operationNamed, parseDocument } from './document.ts';
import { PlannedOperation } from './plan.ts';
import type { GraphqlRequest } from './request.ts';

/** A parsed document with what validation says of it. */
export class KnownDocument {
  readonly faults: readonly DocumentProblem[];
  private readonly schema: GraphQLSchema;
  private readonly document: DocumentNode;
  private readonly operations = new Map<string | undefined, PlannedOperation>();

  constructor(schema: GraphQLSchema, text: string, introspection: boolean) {
    this.schema = schema;
    this.document = parseDocument(text);
    this.faults = faultsOf(schema, this.document, introspection);
  }

  /** @throws Problem InvalidDocument */
  operation(name: string | undefined): PlannedOperation {
    let operation = this.operations.get(name);
    if (!operation) {
      operation = new PlannedOperation(this.schema, this.document, operationNamed(this.document, name));
      this.operations.set(name, operation);
    }
    return operation;
  }
}

const MOST_DOCUMENTS = 1_000;
/** A parsed document takes some fifty times its text. */
const MOST_CHARACTERS = 1_000_000;

/** The documents that were asked for last, so that each is parsed, validated and compiled once. Wrong ones too: they cost the same. */
export class Documents {
  private readonly known = new Map<string, KnownDocument>();
  private characters = 0;
  private readonly schema: GraphQLSchema;
  private readonly introspection: boolean;
  /** Id → text of the documents that run here, where no others do. */
  private readonly trusted: ReadonlyMap<string, string> | undefined;
  private readonly trustedTexts: ReadonlySet<string>;

  /** @throws Error naming the trusted document that does not fit the schema */
  constructor(schema: GraphQLSchema, introspection: boolean, trusted?: ReadonlyMap<string, string>) {
    this.schema = schema;
    this.introspection = introspection;
    this.trusted = trusted;
    this.trustedTexts = new Set(trusted?.values());
    for (const [id, text] of trusted ?? []) {
      const fault = this.faultOf(text);
      if (fault !== undefined) throw new Error(`document "${id}": ${fault}`);
    }
  }

  /** The text of what is asked for. @throws Problem InvalidDocument, UnknownDocument */
  textOf({ query, documentId }: GraphqlRequest): string {
    const text = query ?? (documentId === undefined ? undefined : this.trusted?.get(documentId.replace(/^sha256:/, '')));
    if (text !== undefined && (!this.trusted || this.trustedTexts.has(text))) return text;
    if (this.trusted || documentId !== undefined) throw new Problem(UnknownDocument);
    throw new Problem(InvalidDocument, 'There is no document: send it as "query"');
  }

  find(text: string): KnownDocument | undefined {
    const known = this.known.get(text);
    if (!known) return undefined;
    this.known.delete(text);
    this.known.set(text, known);
    return known;
  }

  /** Parses and validates. @throws Problem for what can't be read or is too much */
  make(text: string): KnownDocument {
    const made = new KnownDocument(this.schema, text, this.introspection);
    this.known.set(text, made);
    this.characters += text.length;
    for (const oldest of this.known.keys()) {
      if (this.known.size <= MOST_DOCUMENTS && this.characters <= MOST_CHARACTERS) break;
      this.known.delete(oldest);
      this.characters -= oldest.length;
    }
    return made;
  }

  private faultOf(text: string): string | undefined {
    try {
      return new KnownDocument(this.schema, text, this.introspection).faults[0]?.message;
    } catch (error) {
      return (error as Error).message;
    }
  }
}
