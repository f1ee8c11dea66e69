// What an operation over gRPC is measured against: gRPC's own server for Node.js with protobuf.js, the same messages. No token, no check,
// no limit, no log.
import { Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { reportTo, type Ready } from '../child.ts';
import { profileOf } from '../product/profile.ts';

const { root } = protobuf.parse(`
  syntax = "proto3";
  package bench;
  message Timestamp { int64 seconds = 1; int32 nanos = 2; }
  message Get { string id = 1; }
  message Profile {
    enum Role { UNSPECIFIED = 0; OWNER = 1; ADMIN = 2; MEMBER = 3; }
    string id = 1;
    string name = 2;
    string email = 3;
    string organization_id = 4;
    repeated Role roles = 5;
    string locale = 6;
    string time_zone = 7;
    int32 version = 8;
    Timestamp created_at = 9;
  }`);
const [get, profile] = [root.lookupType('bench.Get'), root.lookupType('bench.Profile')];
const ROLES: Readonly<Record<string, number>> = { owner: 1, admin: 2, member: 3 };

const messageOf = ({ id }: { id: string }) => {
  const found = profileOf(id);
  const at = Date.parse(found.createdAt);
  const createdAt = { seconds: Math.floor(at / 1_000), nanos: (at % 1_000) * 1_000_000 };
  return { ...found, roles: found.roles.map((role) => ROLES[role]), createdAt };
};

const service: ServiceDefinition = {
  get: {
    path: process.env.BENCH_METHOD!,
    requestStream: false,
    responseStream: false,
    requestSerialize: (message: object) => Buffer.from(get.encode(message).finish()),
    requestDeserialize: (bytes: Buffer) => get.decode(bytes),
    responseSerialize: (message: object) => Buffer.from(profile.encode(message).finish()),
    responseDeserialize: (bytes: Buffer) => profile.decode(bytes),
  },
};
const server = new Server();
server.addService(service, {
  get: (call: any, respond: (error: null, message: object) => void) => respond(null, messageOf(call.request)),
});
const port = await new Promise<number>((resolve, reject) =>
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound))),
);
reportTo(process, { port, tokens: [] } satisfies Ready, async () => server.forceShutdown());
