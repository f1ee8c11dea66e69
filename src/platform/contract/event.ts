import * as z from 'zod';
import { checkPortable, portableFields } from './portable.ts';

/** A fact in the past tense, published in the transaction that made it true. */
export interface EventDefinition<S extends z.core.$ZodLooseShape = z.core.$ZodLooseShape> {
  readonly kind: 'event';
  /** `<module>.<noun>-<past participle>`; never changes its meaning. */
  readonly name: string;
  readonly version: number;
  /** The field that orders: events of one key are delivered in the order of the facts. */
  readonly key: string;
  readonly data: z.ZodObject<S>;
  /** From an older version's data to the next one's: `{ 1: (v1) => v2 }`. */
  readonly upcast: Readonly<Record<number, (data: any) => unknown>>;
}

export type EventData<E extends EventDefinition> = z.output<E['data']>;

const NAME = /^[a-z][a-z0-9-]*\.[a-z][a-z0-9]*(-[a-z0-9]+)+$/;

export function event<S extends z.core.$ZodLooseShape>(definition: {
  name: string;
  version: number;
  key: keyof S & string;
  data: S;
  upcast?: Record<number, (data: any) => unknown>;
}): EventDefinition<S> {
  const { name, version, key, data, upcast = {} } = definition;
  if (!NAME.test(name)) throw new Error(`event "${name}": a name is <module>.<noun>-<past participle>`);
  checkPortable(portableFields(name, data as Record<string, z.core.$ZodType>, 'output'));
  if (!(key in data)) throw new Error(`event "${name}": its key "${key}" is no field of its data`);
  for (let from = 1; from < version; from++)
    if (!upcast[from]) throw new Error(`event "${name}": version ${version} needs an upcast from version ${from}`);
  return Object.freeze({ kind: 'event', name, version, key, data: z.object(data), upcast });
}
