import { createRequire } from 'node:module';
import { join } from 'node:path';
import { credentials, loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { RunningApp } from './app.ts';

/** What a tool without the .proto does: asks which services there are, and for the file of one. */
export async function reflect({ grpcPort }: RunningApp, version: 'v1' | 'v1alpha') {
  const folder = join(createRequire(import.meta.url).resolve('@grpc/reflection'), '../../proto/grpc/reflection');
  const loaded = loadPackageDefinition(loadSync(join(folder, version, 'reflection.proto'), { keepCase: true })) as any;
  const Reflection = loaded.grpc.reflection[version].ServerReflection as ServiceClientConstructor;
  const client = new Reflection(`127.0.0.1:${grpcPort}`, credentials.createInsecure()) as any;
  const stream = client.ServerReflectionInfo();
  const ask = (request: object) =>
    new Promise<any>((resolve, reject) => {
      stream.once('data', resolve).once('error', reject);
      stream.write(request);
    });
  try {
    const { list_services_response: list } = await ask({ list_services: '' });
    const { file_descriptor_response: file } = await ask({ file_containing_symbol: 'fondasi.ChatService' });
    const files: Buffer[] = file.file_descriptor_proto;
    return { services: list.service.map(({ name }: { name: string }) => name), files };
  } finally {
    stream.end();
    client.close();
  }
}
