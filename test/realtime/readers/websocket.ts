import { Socket } from '../../support/socket.ts';
import { type Protocol, roomItem } from './protocol.ts';

/** `/ws`, message by message. */
export const websocket: Protocol = {
  name: 'websocket',
  follow(place, { address, token }, roomId, after, listener) {
    const socket = new Socket(place, { headers: { 'x-forwarded-for': address } });
    socket.ws.once('open', () => {
      socket.say({ type: 'auth', token });
      socket.say({ type: 'subscribe', id: 1, channel: 'chat.room', params: { roomId }, after });
    });
    socket.ws.on('message', (data) => {
      const { type, cursor, reset, item, problem } = JSON.parse(data.toString());
      if (type === 'subscribed') listener.began(cursor, reset);
      if (type === 'reset') listener.began(cursor, true);
      if (type === 'event') listener.item(roomItem(item), cursor);
      if (type === 'ended' || type === 'problem') listener.ended(problem?.code);
    });
    void socket.closed.then(() => listener.ended(undefined));
    return { drop: () => socket.ws.terminate() };
  },
};
