import type { z } from 'zod';
import type { OperationDefinition } from '../contract/operation.ts';
import { InvalidInput } from '../contract/platform.problems.ts';
import { type FieldError, Problem } from '../contract/problem.ts';

/** How many wrong places an answer lists. */
const MOST_ERRORS = 20;

/** RFC 6901. */
const pointer = (path: readonly PropertyKey[]) =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** The wrong places that Zod found, as a problem lists them. */
export function fieldErrors(issues: readonly z.core.$ZodIssue[]): FieldError[] {
  const errors: FieldError[] = [];
  for (const issue of issues) {
    if (errors.length >= MOST_ERRORS) break;
    if (issue.code === 'unrecognized_keys')
      for (const key of issue.keys.slice(0, MOST_ERRORS - errors.length))
        errors.push({ pointer: pointer([...issue.path, key.slice(0, 100)]), detail: 'There is no such field' });
    else errors.push({ pointer: pointer(issue.path), detail: issue.message });
  }
  return errors;
}

/**
 * What a transport answers as the input when its protocol has found it wrong already. It goes where any input goes, so
 * that access and limits come before what is told of it.
 */
export class RefusedInput {
  readonly errors: readonly FieldError[];

  constructor(errors: readonly FieldError[]) {
    this.errors = errors;
  }
}

/**
 * The input as its schema has it.
 * @throws Problem InvalidInput listing each wrong place
 */
export function validateInput(
  contract: Pick<OperationDefinition, 'strictInput' | 'lenientInput'>,
  input: unknown,
  unknownFields: 'refuse' | 'drop',
): object {
  if (input instanceof RefusedInput) throw new Problem(InvalidInput, undefined, { errors: input.errors });
  const schema = unknownFields === 'refuse' ? contract.strictInput : contract.lenientInput;
  const result = parse(schema, input ?? {});
  if (result.success) return result.data;
  throw new Problem(InvalidInput, undefined, { errors: fieldErrors(result.error.issues) });
}

/** A schema that contains itself is checked by recursion; what exhausts the stack is nested beyond all use. */
function parse(schema: z.ZodObject, input: unknown) {
  try {
    return schema.safeParse(input);
  } catch (error) {
    if (error instanceof RangeError) throw new Problem(InvalidInput, 'The input is nested too deep');
    throw error;
  }
}
