import type { Portable, PortableField } from '../../contract/portable.ts';
import { memberField } from './names.ts';

type Convert = (value: any) => unknown;

/**
 * Makes of GraphQL's input what the contract calls its input: a list of entries becomes a map, an `@oneOf` a tagged
 * object, and a null a field that is not there, unless it may be null.
 */
export function contractInput(fields: readonly PortableField[]): (given: Record<string, unknown>) => Record<string, unknown> {
  const converted = fields.map((field) => ({ ...field, convert: conversion(field.type) }));
  return (given) => {
    const input: Record<string, unknown> = {};
    for (const { name, type, presence, convert } of converted) {
      const value = given[name];
      if (value !== undefined && value !== null) input[name] = convert ? convert(value) : value;
      else if (presence === 'nullable' || (type.kind === 'json' && value === null)) input[name] = null;
    }
    return input;
  };
}

/** Undefined for what is taken as it is. Objects are looked at when they are first used, because they may recur. */
function conversion(type: Portable): Convert | undefined {
  switch (type.kind) {
    case 'list': {
      const convert = conversion(type.of);
      return convert && ((items: unknown[]) => items.map(convert));
    }
    case 'map': {
      const convert = conversion(type.of) ?? ((value: unknown) => value);
      return (entries: { key: string; value: unknown }[]) =>
        Object.fromEntries(entries.map(({ key, value }) => [key, convert(value)]));
    }
    case 'object': {
      let convert: Convert | undefined;
      return (value) => (convert ??= contractInput(type.fields()))(value);
    }
    case 'union': {
      let members: { key: string; tag: string; convert: Convert }[] | undefined;
      return (value) => {
        members ??= type
          .members()
          .map((member) => ({ key: memberField(member), tag: member.value, convert: contractInput(member.fields()) }));
        const { key, tag, convert } = members.find((member) => value[member.key] !== undefined)!;
        return { [type.tag]: tag, ...(convert(value[key]) as object) };
      };
    }
    default:
      return undefined;
  }
}
