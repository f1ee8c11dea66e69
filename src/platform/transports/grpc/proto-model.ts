import { isForOutside } from '../../contract/access.ts';
import type { ChannelDefinition } from '../../contract/channel.ts';
import { inputName, type OperationDefinition } from '../../contract/operation.ts';
import { nameOf } from '../../contract/kinds.ts';
import type { Portable, PortableField } from '../../contract/portable.ts';
import { protoFieldType, wrapperName } from '../../contract/protocol-types.ts';
import { channelMethod, enumValueName, memberField, operationMethod, pascalCase, serviceName, snakeCase } from './proto-names.ts';

export interface ProtoField {
  readonly name: string;
  /** With `repeated` where it is one; without `optional`. */
  readonly type: string;
  readonly optional: boolean;
}

export interface ProtoMessage {
  readonly name: string;
  /** Name of the oneof that all fields belong to, where the message is a union. */
  readonly oneof: string | undefined;
  readonly fields: readonly ProtoField[];
}

export interface ProtoMethod {
  readonly name: string;
  readonly input: string;
  readonly output: string;
  readonly streams: boolean;
  /** Lines of the comment above it. */
  readonly about: readonly string[];
  readonly deprecated: boolean;
}

export interface ProtoService {
  readonly name: string;
  readonly module: string;
  readonly methods: readonly ProtoMethod[];
}

/** Everything that the .proto text says, but for the numbers: these are the lock's. */
export interface ProtoModel {
  readonly services: readonly ProtoService[];
  readonly messages: readonly ProtoMessage[];
  /** The values without the one for "not said", which is 0. */
  readonly enums: readonly { readonly name: string; readonly values: readonly string[] }[];
}

export const EMPTY = 'google.protobuf.Empty';

/** What a client sends to follow a channel: its params, and the cursor of the last frame that it got. */
export const subscribeInput = ({ name, paramFields }: ChannelDefinition): Portable & { kind: 'object' } => ({
  kind: 'object',
  name: `Subscribe${pascalCase(name)}Input`,
  fields: () => [...paramFields, { name: 'after', type: { kind: 'string' }, presence: 'optional' }],
});

/** What it gets: where the stream stands, and an item but for a frame that only says so. */
export const channelFrame = ({ name, itemType }: ChannelDefinition): Portable & { kind: 'object' } => ({
  kind: 'object',
  name: `${pascalCase(name)}Frame`,
  fields: () => [
    { name: 'cursor', type: { kind: 'string' }, presence: 'required' },
    { name: 'reset', type: { kind: 'boolean' }, presence: 'required' },
    { name: 'item', type: itemType, presence: 'optional' },
  ],
});

export const operationInput = ({ name, inputFields }: OperationDefinition): Portable & { kind: 'object' } => ({
  kind: 'object',
  name: inputName(name),
  fields: () => inputFields,
});

/** Undefined where the operation answers nothing. */
export const operationOutput = ({ output, outputFields }: OperationDefinition): (Portable & { kind: 'object' }) | undefined =>
  outputFields.length === 0 ? undefined : { kind: 'object', name: nameOf(output)!, fields: () => outputFields };

/** Operations that exist over gRPC: what only modules may call does not, and a binary stream has no place in a message. */
export const overGrpc = (operation: OperationDefinition) => isForOutside(operation) && operation.stream === undefined;

/** @throws Error when two things would have the same name */
export function protoModel(operations: readonly OperationDefinition[], channels: readonly ChannelDefinition[]): ProtoModel {
  const types = new Types();
  const services = new Map<string, { name: string; module: string; methods: ProtoMethod[] }>();
  const add = (module: string, method: ProtoMethod) => {
    const name = serviceName(module);
    const service = services.get(module) ?? { name, module, methods: [] };
    services.set(module, service);
    if (service.methods.some((other) => other.name === method.name)) throw new Error(`gRPC: ${name} has two ${method.name}`);
    service.methods.push(method);
  };
  for (const contract of operations.filter(overGrpc).toSorted(byName)) {
    const output = operationOutput(contract);
    add(contract.module, {
      name: operationMethod(contract.name),
      input: types.add(operationInput(contract)),
      output: output ? types.add(output) : EMPTY,
      streams: false,
      about: aboutOperation(contract),
      deprecated: contract.deprecated !== undefined,
    });
  }
  for (const contract of channels.filter(isForOutside).toSorted(byName))
    add(contract.module, {
      name: channelMethod(contract.name),
      input: types.add(subscribeInput(contract)),
      output: types.add(channelFrame(contract)),
      streams: true,
      about: [contract.summary, ...(contract.description ? [contract.description] : [])],
      deprecated: false,
    });
  for (const { name } of services.values())
    if (types.messages.has(name) || types.enums.has(name)) throw new Error(`gRPC: "${name}" is a service and a schema`);
  return {
    services: [...services.values()].toSorted(byName),
    messages: [...types.messages.values()],
    enums: [...types.enums].map(([name, values]) => ({ name, values })),
  };
}

/** The document is the same in whatever order modules and their handlers are found. */
const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);

function aboutOperation({ summary, description, problems, retry, deprecated }: OperationDefinition): string[] {
  return [
    summary,
    ...(description ? [description] : []),
    ...(problems.length > 0 ? [`Problems: ${problems.map(({ code }) => code).join(', ')}.`] : []),
    ...(retry === 'key' ? ['Honours the metadata `idempotency-key`.'] : []),
    ...(deprecated ? [`Deprecated since ${deprecated.since}${deprecated.until ? `, gone ${deprecated.until}` : ''}.`] : []),
  ];
}

/** Messages and enums, each once. */
class Types {
  readonly messages = new Map<string, ProtoMessage>();
  readonly enums = new Map<string, readonly string[]>();

  /** The name of the message. */
  add(type: Portable & { kind: 'object' | 'union' }): string {
    const known = this.messages.get(type.name);
    const oneof = type.kind === 'union' ? this.oneofName(type) : undefined;
    const fields = type.kind === 'union' ? this.members(type) : this.fields(type.fields());
    const message: ProtoMessage = { name: type.name, oneof, fields };
    if (known) {
      if (JSON.stringify(known) !== JSON.stringify(message))
        throw new Error(`gRPC: two different messages are called "${type.name}": the name of a schema is unique in a product`);
      return type.name;
    }
    for (const { name } of fields)
      if (fields.filter((field) => field.name === name).length > 1)
        throw new Error(`gRPC: ${type.name} has two fields called "${name}"`);
    this.messages.set(type.name, message);
    if (type.kind === 'object') for (const field of type.fields()) this.reach(field);
    else for (const { name, fields: own } of type.members()) this.add({ kind: 'object', name, fields: own });
    return type.name;
  }

  private fields(fields: readonly PortableField[]): ProtoField[] {
    return fields.map((field) => {
      const text = protoFieldType(field);
      const optional = text.startsWith('optional ');
      return { name: snakeCase(field.name), type: optional ? text.slice('optional '.length) : text, optional };
    });
  }

  private members({ members }: Portable & { kind: 'union' }): ProtoField[] {
    return members().map(({ name, value }) => ({ name: memberField(value), type: name, optional: false }));
  }

  /** A oneof shares the scope of its fields. */
  private oneofName({ tag, members }: Portable & { kind: 'union' }): string {
    const name = snakeCase(tag);
    return members().some(({ value }) => memberField(value) === name) ? `${name}_of` : name;
  }

  /** All that a field leads to, including the message around a list or map that may be absent. */
  private reach({ type, presence }: PortableField): void {
    if ((type.kind === 'list' || type.kind === 'map') && presence !== 'required')
      this.add({ kind: 'object', name: wrapperName(type), fields: () => [{ name: 'items', type, presence: 'required' }] });
    else this.reachType(type);
  }

  private reachType(type: Portable): void {
    if (type.kind === 'list' || type.kind === 'map') return this.reachType(type.of);
    if (type.kind === 'enum') return this.addEnum(type);
    if ((type.kind === 'object' || type.kind === 'union') && !this.messages.has(type.name)) this.add(type);
    else if (type.kind === 'object' || type.kind === 'union') this.check(type);
  }

  /** A type is met again wherever it is used; only one that recurs inside itself is not walked once more. */
  private check(type: Portable & { kind: 'object' | 'union' }): void {
    if (type.kind === 'union') return;
    const known = this.messages.get(type.name)!;
    if (JSON.stringify(known.fields) !== JSON.stringify(this.fields(type.fields())))
      throw new Error(`gRPC: two different messages are called "${type.name}": the name of a schema is unique in a product`);
  }

  private addEnum({ name, values }: Portable & { kind: 'enum' }): void {
    const names = values.map((value) => enumValueName(name, value));
    if (new Set(names).size < names.length || names.includes(enumValueName(name, 'unspecified')))
      throw new Error(`gRPC: two values of the enum ${name} have one name, or one is called "unspecified"`);
    const known = this.enums.get(name);
    if (known && known.join() !== names.join()) throw new Error(`gRPC: two different enums are called "${name}"`);
    this.enums.set(name, names);
  }
}
