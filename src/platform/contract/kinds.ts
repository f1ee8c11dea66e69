import * as z from 'zod';

/** What the platform knows of a Zod type beyond Zod's own definition. */
export const kinds = z.registry<{ kind: 'int64' | 'json' }>();

/** Kind of a type made by `int64()` or `json()`; undefined for any other. */
export const specialKind = (type: z.core.$ZodType) => kinds.get(type)?.kind;

/** The name given by `schema()`, `union()` or `page()`. */
export const nameOf = (type: z.core.$ZodType): string | undefined => z.globalRegistry.get(type)?.id;
