import type { z } from 'zod';
import type { OperationDefinition } from './operation.ts';
import { nameOf } from './kinds.ts';

/** How objects nest across modules: `Message.author` is what `users.getMany` answers for `Message.authorId`. */
export interface LinkDefinition {
  readonly kind: 'link';
  /** The schema that gets the field. */
  readonly from: string;
  readonly field: string;
  /** The field of `from` that holds the id. */
  readonly by: string;
  /** An operation that takes `ids` and answers `items`, each with an `id`: one call for many objects. */
  readonly to: OperationDefinition;
}

export function link<S extends z.core.$ZodLooseShape>(
  from: z.ZodObject<S>,
  definition: { field: string; by: keyof S & string; to: OperationDefinition },
): LinkDefinition {
  const name = nameOf(from);
  if (!name) throw new Error(`link "${definition.field}": it starts at a schema()`);
  if (!('ids' in definition.to.input.shape))
    throw new Error(`link ${name}.${definition.field}: ${definition.to.name} takes no "ids"`);
  return Object.freeze({ kind: 'link', from: name, ...definition });
}
