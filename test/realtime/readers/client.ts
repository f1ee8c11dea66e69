import { clientAt } from '../../client/client.ts';
import { type Protocol, roomItem } from './protocol.ts';

/** The typed client, which comes back by itself when its connection is lost; one that is dropped is another visit. */
export const client: Protocol = {
  name: 'client',
  follow({ url }, { token }, roomId, after, listener) {
    const opened = clientAt(url);
    opened.session.set({ accessToken: token, expiresIn: 3_600 });
    const followed = opened.chat.room(
      { roomId },
      {
        after,
        onItem: (item, cursor) => listener.item(roomItem(item), cursor),
        onReset: (cursor) => listener.began(cursor, true),
        onLive: (live) => live && listener.began(followed.cursor!, false),
        onEnd: ({ code }) => listener.ended(code),
      },
    );
    return { drop: () => opened.close() };
  },
};
