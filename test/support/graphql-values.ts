import type { Portable, PortableField } from '#platform/contract/portable';

/** The contract's value as GraphQL takes it. */
function given(type: Portable, value: any): unknown {
  switch (type.kind) {
    case 'list':
      return value.map((item: unknown) => given(type.of, item));
    case 'map':
      return Object.entries(value).map(([key, item]) => ({ key, value: given(type.of, item) }));
    case 'object':
      return givenFields(type.fields(), value);
    case 'union': {
      const member = type.members().find((each) => each.value === value[type.tag])!;
      const key = { cat: 'cat', 'good-dog': 'dog', ghost: 'ghost' }[member.value]!;
      return { [key]: givenFields(member.fields(), value) };
    }
    default:
      return value;
  }
}
export const givenFields = (fields: readonly PortableField[], value: any) =>
  Object.fromEntries(
    fields.flatMap(({ name, type }) =>
      value[name] === undefined ? [] : [[name, value[name] === null ? null : given(type, value[name])]],
    ),
  );

/** GraphQL's answer as the contract's value. */
function taken(type: Portable, value: any): unknown {
  switch (type.kind) {
    case 'list':
      return value.map((item: unknown) => taken(type.of, item));
    case 'map':
      return Object.fromEntries(value.map(({ key, value: item }: any) => [key, taken(type.of, item)]));
    case 'object':
      return takenFields(type.fields(), value);
    case 'union': {
      const member = type.members().find(({ name }) => name === value['__typename'])!;
      return { [type.tag]: member.value, ...takenFields(member.fields(), value) };
    }
    default:
      return value;
  }
}
export const takenFields = (fields: readonly PortableField[], value: any) =>
  Object.fromEntries(
    fields.flatMap(({ name, type, presence }) => {
      if (value[name] === null && type.kind !== 'json') return presence === 'optional' ? [] : [[name, null]];
      return [[name, taken(type, value[name])]];
    }),
  );
