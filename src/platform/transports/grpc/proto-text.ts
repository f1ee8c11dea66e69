import type { ProtoLock } from './proto-lock.ts';
import type { ProtoMessage, ProtoMethod, ProtoModel } from './proto-model.ts';
import { enumValueName, PROTO_PACKAGE } from './proto-names.ts';

const IMPORTS = [
  ['google.protobuf.Empty', 'google/protobuf/empty.proto'],
  ['google.protobuf.Value', 'google/protobuf/struct.proto'],
  ['google.protobuf.Timestamp', 'google/protobuf/timestamp.proto'],
] as const;

/** The document that clients are generated from. */
export function protoText(model: ProtoModel, lock: ProtoLock): string {
  const services = model.services.map(({ name, methods }) =>
    block(
      `service ${name}`,
      methods.flatMap((each) => method(each, methods)),
    ),
  );
  const messages = model.messages.map((message) => messageText(message, lock));
  const enums = model.enums.map(({ name, values }) => {
    const pinned = lock.enums[name]!;
    return block(`enum ${name}`, [
      ...reservations(pinned.reserved),
      `${enumValueName(name, 'unspecified')} = 0;`,
      ...values.map((value) => `${value} = ${pinned.values[value]};`),
    ]);
  });
  const body = [...services, ...messages, ...enums].join('\n');
  const imports = IMPORTS.filter(([type]) => new RegExp(`\\b${type.replaceAll('.', '\\.')}\\b`).test(body));
  return [
    '// Written from the contracts. A field keeps its number and its type for ever.\n',
    'syntax = "proto3";\n',
    `package ${PROTO_PACKAGE};\n`,
    ...(imports.length > 0 ? [`${imports.map(([, file]) => `import "${file}";\n`).join('')}`] : []),
    `option go_package = "${PROTO_PACKAGE}/;${PROTO_PACKAGE}";\noption java_multiple_files = true;\noption java_package = "${PROTO_PACKAGE}";\n`,
    body,
  ].join('\n');
}

const block = (head: string, lines: readonly string[]) =>
  lines.length === 0 ? `${head} {}\n` : `${head} {\n${lines.map((line) => `${line && `  ${line}`}\n`).join('')}}\n`;

function method({ name, input, output, streams, about, deprecated }: ProtoMethod, methods: readonly ProtoMethod[]): string[] {
  // Inside a service a method hides a message of its name.
  const type = (message: string) => (methods.some((other) => other.name === message) ? `.${PROTO_PACKAGE}.${message}` : message);
  const head = `rpc ${name}(${type(input)}) returns (${streams ? 'stream ' : ''}${type(output)})`;
  return [
    ...about.flatMap((text) => text.split('\n')).map((line) => `// ${line}`.trimEnd()),
    deprecated ? `${head} { option deprecated = true; }` : `${head};`,
  ];
}

function messageText({ name, oneof, fields }: ProtoMessage, lock: ProtoLock): string {
  const pinned = lock.messages[name]!;
  const lines = fields.map(
    (field) => `${field.optional ? 'optional ' : ''}${field.type} ${field.name} = ${pinned.fields[field.name]!.number};`,
  );
  const reserved = reservations(
    Object.fromEntries(Object.entries(pinned.reserved).map(([field, { number }]) => [field, number])),
  );
  if (oneof === undefined) return block(`message ${name}`, [...reserved, ...lines]);
  return block(`message ${name}`, [...reserved, `oneof ${oneof} {`, ...lines.map((line) => `  ${line}`), '}']);
}

function reservations(reserved: Readonly<Record<string, number>>): string[] {
  const numbers = Object.values(reserved);
  if (numbers.length === 0) return [];
  const names = Object.keys(reserved).map((name) => `"${name}"`);
  return [`reserved ${numbers.join(', ')};`, `reserved ${names.join(', ')};`];
}
