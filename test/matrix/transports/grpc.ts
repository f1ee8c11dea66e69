import type { RunningApp } from '../../support/app.ts';
import { GrpcClient } from '../../support/grpc-client.ts';
import type { Transport } from './transport.ts';

const clients = new WeakMap<RunningApp, Promise<GrpcClient>>();

const clientOf = (app: RunningApp) => {
  if (!clients.has(app)) clients.set(app, GrpcClient.open(app));
  return clients.get(app)!;
};

/** Field 9999, a number: a field that nobody knows. */
const NONSENSE = Uint8Array.from([0xf8, 0xf0, 0x04, 0x01]);

const capital = (word: string) => word[0]!.toUpperCase() + word.slice(1);

/** Over gRPC, with nothing but the published .proto. */
export const grpc: Transport = {
  name: 'grpc',
  outside: true,
  // Protobuf's rule: a newer client may send what an older server does not know.
  unknownFields: 'drop',
  // A number is a number on the wire, so there is no text that is none.
  typed: ['int32'],
  async call({ app }, contract, input, as) {
    if (as === 'service') throw new Error('the outside is no service');
    const client = await clientOf(app);
    const [module, ...rest] = contract.name.split('.') as [string, ...string[]];
    const name = `${capital(module)}Service.${rest.map(capital).join('')}`;
    const options = { as, ...('nonsense' in input && { extra: NONSENSE }) };
    // What only modules may call is in no document.
    const { code, message, problem, details } =
      contract.access.who === 'service'
        ? await client.send(`/fondasi.${name.replace('.', '/')}`, Buffer.alloc(0), options)
        : await client.call(name, input, options);
    return {
      code: code === 0 ? undefined : problem['ErrorInfo']?.metadata.code,
      pointers: (problem['BadRequest']?.fieldViolations ?? []).map(({ field }: { field: string }) => pointerOf(field)),
      text: code === 0 ? JSON.stringify(message) : details,
    };
  },
};

/** `room_id` → `/roomId`, `ids[0]` → `/ids/0`. */
const pointerOf = (field: string) =>
  `/${field
    .replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    .replace(/\[(\d+)\]/g, '/$1')
    .replaceAll('.', '/')}`;
