import type { ServerProcess } from '../server-process.ts';
import type { Listening } from './listeners-process.ts';

/** A server and how its clients come to hear a room. */
export interface Hall {
  readonly server: ServerProcess;
  readonly listening: (room: number, person: number) => Listening;
}

/** Connects, signs in, follows a room. */
export const fondasiHall = (server: ServerProcess): Hall => ({
  server,
  listening: (room, person) => {
    const { port, tokens } = server.ready;
    return {
      place: { port, path: '/ws', protocol: 'v1.json' },
      steps: [
        { say: JSON.stringify({ type: 'auth', token: tokens[person % tokens.length] }), until: '{"type":"ready"' },
        {
          say: JSON.stringify({ type: 'subscribe', id: 1, channel: 'talk.room', params: { room: String(room) } }),
          until: '{"type":"subscribed"',
        },
      ],
    };
  },
});

/** Is in a room by the address that it asks for. */
export const wsHall = (server: ServerProcess): Hall => ({
  server,
  listening: (room) => ({ place: { port: server.ready.port, path: `/?room=${room}` }, steps: [{ until: 'ready' }] }),
});

/** Engine.IO's handshake, then Socket.IO's. */
export const socketIoHall = (server: ServerProcess): Hall => ({
  server,
  listening: (room) => ({
    place: { port: server.ready.port, path: `/socket.io/?EIO=4&transport=websocket&room=${room}` },
    steps: [{ until: '0{' }, { say: '40', until: '40{' }],
  }),
});
