import { GrpcClient, type GrpcStream } from '../../support/grpc-client.ts';
import { anonymous } from '../../support/person.ts';
import { type Listener, type Place, type Protocol, type RoomItem, roomItem } from './protocol.ts';

/** A stream from the server, read with nothing but the published .proto. */
export const grpc: Protocol = {
  name: 'grpc',
  follow(place, as, roomId, after, listener) {
    const dropped = Promise.withResolvers<void>();
    void open(place).then(
      async (client) => {
        const stream = client.subscribe('ChatService.SubscribeRoom', { roomId, ...(after !== undefined && { after }) }, { as });
        void dropped.promise.then(() => stream.call.cancel());
        await tellAll(stream, listener);
        client.close();
      },
      () => listener.ended(undefined),
    );
    return { drop: () => dropped.resolve() };
  },
};

let published: Promise<string> | undefined;

/** Every process publishes the same. */
async function open(place: Place): Promise<GrpcClient> {
  published ??= anonymous(place)
    .get('/api-docs/fondasi.proto')
    .then(({ body }) => body);
  published.catch(() => (published = undefined));
  return GrpcClient.at(`127.0.0.1:${place.grpcPort}`, await published);
}

async function tellAll(stream: GrpcStream, listener: Listener): Promise<void> {
  let told = 0;
  for (;;) {
    const frames = await stream.frames(told + 1).catch(() => []);
    if (frames.length === 0) break;
    const { cursor, reset, item } = frames[told++];
    if (item) listener.item(itemOf(item), cursor);
    else listener.began(cursor, reset);
  }
  listener.ended(stream.problem['ErrorInfo']?.metadata.code);
}

/** protobuf tells the members of a union apart by the name of a field. */
function itemOf(item: any): RoomItem {
  const [type] = Object.keys(item) as [string];
  return roomItem({ type, ...item[type] });
}
