import fastJson from 'fast-json-stringify';
import { z } from 'zod';
import type { OperationDefinition } from '../contract/operation.ts';
import type { Portable, PortableField } from '../contract/portable.ts';

/** Brings a handler's result into its declared shape: an undeclared field never leaves. */
export interface Shape {
  /** As JSON text. */
  json(result: unknown): string;
  /** As an object. */
  value(result: unknown): unknown;
}

export function shapeOf(contract: OperationDefinition): Shape {
  const { $schema: _, ...schema } = z.toJSONSchema(contract.output, { io: 'output', target: 'draft-7' });
  return {
    json: fastJson(schema as never),
    value: picker(contract.outputFields, contract.name),
  };
}

/** The same for an item of a channel. */
export const itemShape = (type: Portable, path: string): ((item: unknown) => unknown) => pickerOf(type, path) ?? ((item) => item);

type Picker = (value: any) => unknown;

function picker(fields: readonly PortableField[], path: string): Picker {
  const picks = fields.map((field) => ({
    name: field.name,
    presence: field.presence,
    json: field.type.kind === 'json',
    pick: pickerOf(field.type, `${path}.${field.name}`),
  }));
  return (value) => {
    const picked: Record<string, unknown> = {};
    for (const { name, presence, json, pick } of picks) {
      const item = value[name];
      // JSON's null is a value like any other.
      if (item !== undefined && (item !== null || json)) picked[name] = pick ? pick(item) : item;
      else if (presence === 'nullable') picked[name] = null;
      else if (presence !== 'optional') throw new Error(`${path} answered without its field "${name}"`);
    }
    return picked;
  };
}

/** Undefined for a scalar, which is taken as it is. Objects are compiled at first use, because they may recur. */
function pickerOf(type: Portable, path: string): Picker | undefined {
  switch (type.kind) {
    case 'list': {
      const pick = pickerOf(type.of, path);
      return pick && ((items: unknown[]) => items.map(pick));
    }
    case 'map': {
      const pick = pickerOf(type.of, path);
      return pick && ((map: object) => Object.fromEntries(Object.entries(map).map(([key, item]) => [key, pick(item)])));
    }
    case 'object': {
      let pick: Picker | undefined;
      return (value) => (pick ??= picker(type.fields(), type.name))(value);
    }
    case 'union': {
      let picks: Map<string, Picker> | undefined;
      return (value) => {
        picks ??= new Map(type.members().map((member) => [member.value, picker(member.fields(), member.name)]));
        const tag = value[type.tag];
        const pick = picks.get(tag);
        if (!pick) throw new Error(`${path} answered with no member of ${type.name}: ${JSON.stringify(tag)}`);
        return { [type.tag]: tag, ...(pick(value) as object) };
      };
    }
    default:
      return undefined;
  }
}
