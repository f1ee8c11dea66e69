import type { Portable, PortableField } from '#platform/contract/portable';

// As protobuf's own library has messages made of the published .proto, which knows nothing of contracts.

const camel = (tag: string) => tag.replace(/[^a-zA-Z0-9]+(.)/g, (_, letter: string) => letter.toUpperCase());

/** The contract's value as protobuf takes it. */
function given(type: Portable, value: any): unknown {
  switch (type.kind) {
    case 'timestamp':
      return instantOf(value);
    case 'json':
      return valueOf(value);
    case 'list':
      return value.map((item: unknown) => given(type.of, item));
    case 'map':
      return mapped(value, (item) => given(type.of, item));
    case 'object':
      return givenMessage(type.fields(), value);
    case 'union': {
      const member = type.members().find((each) => each.value === value[type.tag])!;
      return { [camel(member.value)]: givenMessage(member.fields(), value) };
    }
    default:
      return value;
  }
}

export const givenMessage = (fields: readonly PortableField[], value: any): Record<string, unknown> =>
  Object.fromEntries(
    fields.flatMap(({ name, type, presence }) => {
      const item = value[name];
      if (item === undefined || (item === null && presence === 'nullable')) return [];
      return [[name, isWrapped(type, presence) ? { items: given(type, item) } : given(type, item)]];
    }),
  );

/** protobuf's answer as the contract's value. */
function taken(type: Portable, value: any): unknown {
  switch (type.kind) {
    case 'timestamp':
      return timeOf(value);
    case 'json':
      return jsonOf(value);
    case 'list':
      return value.map((item: unknown) => taken(type.of, item));
    case 'map':
      return mapped(value, (item) => taken(type.of, item));
    case 'object':
      return takenMessage(type.fields(), value);
    case 'union': {
      const [key] = Object.keys(value) as [string];
      const member = type.members().find((each) => camel(each.value) === key)!;
      return { [type.tag]: member.value, ...takenMessage(member.fields(), value[key]) };
    }
    default:
      return value;
  }
}

export const takenMessage = (fields: readonly PortableField[], value: any): Record<string, unknown> =>
  Object.fromEntries(
    fields.flatMap(({ name, type, presence }) => {
      const item = value[name];
      if (item === undefined || item === null) return presence === 'nullable' ? [[name, null]] : [];
      return [[name, taken(type, isWrapped(type, presence) ? item.items : item)]];
    }),
  );

const isWrapped = ({ kind }: Portable, presence: PortableField['presence']) =>
  (kind === 'list' || kind === 'map') && presence !== 'required';

const mapped = (map: Record<string, any>, change: (item: any) => unknown) =>
  Object.fromEntries(Object.entries(map).map(([key, item]) => [key, change(item)]));

const SECONDS = 'YYYY-MM-DDTHH:MM:SS'.length;

const instantOf = (time: string) => ({
  seconds: String(Date.parse(`${time.slice(0, SECONDS)}Z`) / 1_000),
  nanos: Number(time.slice(SECONDS + 1, -1).padEnd(9, '0')),
});

/** In the form with three, six or nine digits. */
function timeOf({ seconds, nanos }: { seconds: string; nanos: number }): string {
  const digits = String(nanos)
    .padStart(9, '0')
    .replace(/(000){1,2}$/, '');
  return `${new Date(Number(seconds) * 1_000).toISOString().slice(0, SECONDS)}.${digits || '000'}Z`;
}

/** google.protobuf.Value. */
function valueOf(json: any): object {
  if (json === null) return { nullValue: 0 };
  if (typeof json === 'number') return { numberValue: json };
  if (typeof json === 'string') return { stringValue: json };
  if (typeof json === 'boolean') return { boolValue: json };
  if (Array.isArray(json)) return { listValue: { values: json.map(valueOf) } };
  return { structValue: { fields: mapped(json, valueOf) } };
}

function jsonOf(value: any): unknown {
  const [kind] = Object.keys(value) as [string];
  if (kind === 'listValue') return value.listValue.values.map(jsonOf);
  if (kind === 'structValue') return mapped(value.structValue.fields, jsonOf);
  return kind === 'nullValue' ? null : value[kind];
}
