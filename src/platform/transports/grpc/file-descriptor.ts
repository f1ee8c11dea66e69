import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor/index.js';
import { PROTO_PACKAGE } from './proto-names.ts';
import { parsedProto } from './parsed-proto.ts';

/** Numbers of google.protobuf.FieldDescriptorProto.Type. */
const TYPES: Readonly<Record<string, number>> = { double: 1, int64: 3, int32: 5, bool: 8, string: 9 };
const MESSAGE = 11;
const ENUM = 14;
const OPTIONAL = 1;
const REPEATED = 3;

/**
 * The document as compilers hand it on: its own file, then those that it imports. The library's way to make them loses what is
 * optional, maps and imports, and tools refuse the result; protoc is asked in a test whether this one is right.
 */
export function fileDescriptors(text: string): Uint8Array[] {
  const imports = protobuf.parse(text).imports ?? [];
  const own = fileOf(`${PROTO_PACKAGE}.proto`, parsedProto(text).lookup(PROTO_PACKAGE) as protobuf.Namespace, imports);
  return [own, ...imports.map(importedFile)];
}

/** A file of protobuf's own types. */
function importedFile(file: string): Uint8Array {
  const root = new protobuf.Root();
  root.addJSON(protobuf.common.get(file)!.nested!);
  root.resolveAll();
  return fileOf(file, root.lookup('google.protobuf') as protobuf.Namespace, []);
}

function fileOf(name: string, scope: protobuf.Namespace, dependency: readonly string[]): Uint8Array {
  const { nestedArray } = scope;
  const File = descriptor.FileDescriptorProto;
  const file = File.fromObject({
    name,
    package: scope.fullName.slice(1),
    dependency,
    syntax: 'proto3',
    messageType: nestedArray.filter((type) => type instanceof protobuf.Type).map(messageOf),
    enumType: nestedArray.filter((type) => type instanceof protobuf.Enum).map(enumOf),
    service: nestedArray.filter((type) => type instanceof protobuf.Service).map(serviceOf),
  });
  return File.encode(file).finish();
}

function messageOf(type: protobuf.Type): object {
  const said = type.oneofsArray.filter(({ fieldsArray }) => !isOptional(fieldsArray[0]!));
  // What is optional is a oneof of one field, behind those that the text says.
  const implied = type.fieldsArray.filter(isOptional);
  return {
    name: type.name,
    field: type.fieldsArray.map((field) => ({
      ...fieldOf(field),
      ...(isOptional(field) && { proto3Optional: true, oneofIndex: said.length + implied.indexOf(field) }),
      ...(!isOptional(field) && field.partOf && { oneofIndex: said.indexOf(field.partOf) }),
    })),
    nestedType: type.fieldsArray.filter((field) => field instanceof protobuf.MapField).map(entryOf),
    oneofDecl: [...said.map(({ name }) => ({ name })), ...implied.map(({ name }) => ({ name: `_${name}` }))],
    reservedRange: numbersOf(type.reserved).map((number) => ({ start: number, end: number + 1 })),
    reservedName: namesOf(type.reserved),
  };
}

const isOptional = ({ options }: protobuf.Field) => options?.['proto3_optional'] === true;

function fieldOf(field: protobuf.Field): object {
  const { name, id, parent, repeated } = field.resolve();
  if (field instanceof protobuf.MapField)
    return { name, number: id, label: REPEATED, type: MESSAGE, typeName: `${parent!.fullName}.${entryName(field)}` };
  return { name, number: id, label: repeated ? REPEATED : OPTIONAL, ...typeOf(field) };
}

function typeOf({ type, resolvedType }: protobuf.Field): object {
  if (!resolvedType) return { type: TYPES[type]! };
  return { type: resolvedType instanceof protobuf.Enum ? ENUM : MESSAGE, typeName: resolvedType.fullName };
}

/** `sums_by_day` → `SumsByDayEntry`: a map is a list of entries, and their message is inside the one that has it. */
const entryName = ({ name }: protobuf.Field) =>
  `${name.replace(/(?:^|_)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())}Entry`;

const entryOf = (field: protobuf.Field): object => ({
  name: entryName(field),
  field: [
    { name: 'key', number: 1, label: OPTIONAL, type: TYPES['string'] },
    { name: 'value', number: 2, label: OPTIONAL, ...typeOf(field) },
  ],
  options: { mapEntry: true },
});

const enumOf = ({ name, values, reserved }: protobuf.Enum): object => ({
  name,
  value: Object.entries(values).map(([value, number]) => ({ name: value, number })),
  reservedRange: numbersOf(reserved).map((number) => ({ start: number, end: number })),
  reservedName: namesOf(reserved),
});

const serviceOf = ({ name, methodsArray }: protobuf.Service): object => ({
  name,
  method: methodsArray.map((method) => ({
    name: method.name,
    inputType: method.resolvedRequestType!.fullName,
    outputType: method.resolvedResponseType!.fullName,
    serverStreaming: method.responseStream === true,
    ...(method.options?.['deprecated'] === true && { options: { deprecated: true } }),
  })),
});

type Reserved = readonly (number[] | string)[] | undefined;

const numbersOf = (reserved: Reserved) => (reserved ?? []).flatMap((item) => (typeof item === 'string' ? [] : [item[0]!]));
const namesOf = (reserved: Reserved) => (reserved ?? []).filter((item) => typeof item === 'string');
