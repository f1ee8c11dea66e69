import * as z from 'zod';
import { kinds } from './kinds.ts';
import { checkDeclared } from './portable.ts';

/** A UUID (version 7 where Fondasi makes it), as text. */
export const Id = z.uuid();

/** An instant, ISO 8601 in UTC with `Z`, for example `2026-02-03T04:05:06.789Z`. */
export const Timestamp = z.iso.datetime();

const INT64 = /^(0|-?[1-9]\d{0,18})$/;
const MIN = -(2n ** 63n);
const MAX = 2n ** 63n - 1n;

/** A 64-bit integer, borne as decimal text in every protocol: JSON numbers lose digits beyond 2^53. */
export const int64 = () => {
  const type = z
    .string()
    .regex(INT64, 'Expected a whole number as text')
    .refine((text) => !INT64.test(text) || (BigInt(text) >= MIN && BigInt(text) <= MAX), 'Expected a 64-bit whole number')
    .meta({ format: 'int64', examples: ['42'] });
  kinds.add(type, { kind: 'int64' });
  return type;
};

/** Any JSON value. The way out for data whose shape only the customer knows; prefer a schema. */
export const json = () => {
  const type = z.unknown().refine((value) => value !== undefined, 'Required');
  kinds.add(type, { kind: 'json' });
  return type;
};

/**
 * A named object. The name is what OpenAPI, GraphQL and gRPC call it, so it is unique in a product.
 * @throws UnportableError naming the field that some protocol can't carry; a recursive field is looked at when it is used
 */
export const schema = <S extends z.core.$ZodLooseShape>(name: string, shape: S): z.ZodObject<S, z.core.$strip> => {
  checkDeclared(name, shape as Record<string, z.core.$ZodType>);
  return z.object(shape).meta({ id: name });
};

/** One of several named objects, told apart by the literal in `tag`. */
export const union = <const T extends readonly [z.ZodObject, ...z.ZodObject[]]>(name: string, tag: string, members: T) =>
  z.discriminatedUnion(tag, members as unknown as [z.core.$ZodTypeDiscriminable]).meta({ id: name }) as unknown as z.ZodUnion<T>;
