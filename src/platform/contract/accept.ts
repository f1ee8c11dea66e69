import * as z from 'zod';
import { specialKind } from './kinds.ts';

/** PostgreSQL's text holds no NUL, UTF-8 no lone surrogate: such text would fail deep inside or come back changed. */
const storable = (text: string) => text.isWellFormed() && !text.includes('\0');

/** Deeper data is nobody's; each level costs stack wherever the data is walked. */
const DEEPEST = 64;

const storableJson = (value: unknown, depth = 0): boolean => {
  if (typeof value === 'string') return storable(value);
  if (typeof value !== 'object' || value === null) return true;
  if (depth === DEEPEST) return false;
  return Object.entries(value).every(([key, item]) => storable(key) && storableJson(item, depth + 1));
};

const UNSTORABLE = 'Text holds a NUL or an unpaired surrogate';
const UNSTORABLE_JSON = `${UNSTORABLE}, or the data is nested deeper than ${DEEPEST} levels`;

/**
 * The type that accepts what comes in, made from the one that a contract declares.
 * `refuse`: an unknown field is an error, at any depth (a typo must not pass silently at the edge).
 * `drop`: it is left out (a newer process may send more than an older one knows).
 */
export function accepting<S extends z.core.$ZodLooseShape>(shape: S, unknown: 'refuse' | 'drop'): z.ZodObject<S> {
  const made = new Map<z.core.$ZodType, z.ZodType>();

  const object = (fields: Record<string, z.core.$ZodType>) => {
    const accepted: Record<string, z.ZodType> = {};
    for (const name of Object.keys(fields))
      // A getter, so that a recursive schema is unfolded only as far as it is used.
      Object.defineProperty(accepted, name, { enumerable: true, get: () => accept(fields[name]!) });
    return unknown === 'refuse' ? z.strictObject(accepted) : z.object(accepted);
  };

  const accept = (type: z.core.$ZodType): z.ZodType => {
    const known = made.get(type);
    if (known) return known;
    const result = rebuild(type as z.ZodType);
    made.set(type, result);
    return result;
  };

  const rebuild = (type: z.ZodType): z.ZodType => {
    if (specialKind(type) === 'json') return type.refine((value) => storableJson(value), UNSTORABLE_JSON);
    if (type instanceof z.ZodString) return type.refine(storable, UNSTORABLE);
    if (type instanceof z.ZodObject) return object(type.shape);
    if (type instanceof z.ZodOptional) return accept(type.def.innerType).optional();
    if (type instanceof z.ZodNullable) return accept(type.def.innerType).nullable();
    if (type instanceof z.ZodDefault) return accept(type.def.innerType).default(type.def.defaultValue as never);
    if (type instanceof z.ZodArray) return type.clone({ ...type.def, element: accept(type.def.element) });
    if (type instanceof z.ZodRecord)
      return type.clone({
        ...type.def,
        keyType: accept(type.def.keyType as z.ZodType) as never,
        valueType: accept(type.def.valueType as z.ZodType),
      });
    if (type instanceof z.ZodDiscriminatedUnion)
      return type.clone({ ...type.def, options: type.def.options.map((option) => accept(option)) as never });
    return type;
  };

  return object(shape) as unknown as z.ZodObject<S>;
}
