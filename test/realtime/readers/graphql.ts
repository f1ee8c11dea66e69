import { graphqlClient } from '../../support/graphql-socket.ts';
import { type Protocol, type RoomItem, roomItem } from './protocol.ts';

const ROOM = `subscription ($roomId: ID!, $after: String) {
  chatRoom(roomId: $roomId, after: $after) {
    cursor reset
    item {
      __typename
      ... on RoomMessage { message { id seq text } }
      ... on RoomJoined { seq personId }
      ... on RoomLeft { seq personId }
    }
  }
}`;

const itemOf = ({ __typename, ...fields }: any): RoomItem =>
  roomItem({ type: __typename.replace('Room', '').toLowerCase(), ...fields });

/** A GraphQL subscription over graphql-transport-ws. The library would repeat a lost one with the cursor that it began with. */
export const graphql: Protocol = {
  name: 'graphql',
  follow(place, person, roomId, after, listener) {
    const client = graphqlClient(place, () => person.token, person.address, 0);
    client.subscribe<{ chatRoom: any }>(
      { query: ROOM, variables: { roomId, after } },
      {
        next: ({ data, errors }) => {
          const frame: any = data?.chatRoom;
          if (errors) listener.ended(errors[0]!.extensions?.['code'] as string);
          else if (frame.item) listener.item(itemOf(frame.item), frame.cursor);
          else listener.began(frame.cursor, frame.reset);
        },
        error: (error) => listener.ended(Array.isArray(error) ? error[0].extensions.code : undefined),
        complete: () => listener.ended(undefined),
      },
    );
    return { drop: () => client.terminate() };
  },
};
