import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor/index.js';

/** What protoc understands of a .proto: every field and method, a line each. Fails where it refuses it. */
export const outlineOfText = (text: string): string[] =>
  compiled((folder) => {
    writeFileSync(join(folder, 'fondasi.proto'), text);
    return [`-I${folder}`];
  });

/** What protoc understands of encoded descriptors. */
export const outlineOfFiles = (files: readonly Uint8Array[]): string[] =>
  compiled((folder) => {
    const set = protobuf.Writer.create();
    for (const file of files) set.uint32(10).bytes(file);
    writeFileSync(join(folder, 'in'), set.finish());
    return [`--descriptor_set_in=${join(folder, 'in')}`];
  });

function compiled(prepare: (folder: string) => string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'fondasi-protoc-'));
  try {
    const out = join(folder, 'out');
    execFileSync('protoc', [...prepare(folder), `--descriptor_set_out=${out}`, 'fondasi.proto'], { stdio: 'pipe' });
    return outlineOf(readFileSync(out));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function outlineOf(set: Buffer): string[] {
  const { file } = descriptor.FileDescriptorSet.toObject(descriptor.FileDescriptorSet.decode(set), { enums: String }) as any;
  const [{ messageType, service, enumType }] = file;
  const fieldsOf = ({ name, field = [], nestedType = [] }: any): string[] => [
    ...field.map((each: any) => {
      const { name: fieldName, number, proto3Optional, type, typeName = '', label, oneofIndex = '' } = each;
      return `${name}.${fieldName} ${number}${proto3Optional ? '?' : ''} ${type} ${label} ${typeName} ${proto3Optional ? '' : oneofIndex}`.trim();
    }),
    ...nestedType.flatMap((nested: any) => fieldsOf({ ...nested, name: `${name}.${nested.name}` })),
  ];
  const methods = service.flatMap(({ name, method }: any) =>
    method.map((each: any) => `${name}.${each.name} ${each.inputType} ${each.outputType} ${each.serverStreaming ?? false}`),
  );
  const values = enumType.flatMap(({ name, value }: any) => value.map((each: any) => `${name}.${each.name} ${each.number}`));
  return [...messageType.flatMap(fieldsOf), ...methods, ...values].toSorted();
}
