// What delivery is measured against: `ws` alone. A message is written once as a frame, and that frame to each socket of its room.
import type { AddressInfo, Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import { reportTo, type Ready } from '../child.ts';
import { envelopeOf, FIRST, messageOf } from './messages.ts';
import { type Pattern, talk } from './talk.ts';

const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
const roomCount = Number(process.env.BENCH_ROOMS ?? 1);
const rooms = Array.from({ length: roomCount }, () => ({ seq: FIRST, sockets: new Set<Socket>() }));
server.on('connection', (client, request) => {
  const { socket } = request;
  const room = rooms[Number(new URL(request.url!, 'ws://localhost').searchParams.get('room'))]!;
  room.sockets.add(socket);
  client.on('close', () => room.sockets.delete(socket));
  client.send('ready');
});

/** Of a text between 126 and 65,535 bytes. */
function frameOf(text: string): Buffer {
  const frame = Buffer.allocUnsafe(4 + text.length);
  frame[0] = 0x81;
  frame[1] = 126;
  frame.writeUInt16BE(text.length, 2);
  frame.write(text, 4, 'latin1');
  return frame;
}

function say(number: number) {
  const room = rooms[number]!;
  const frame = frameOf(JSON.stringify({ ...envelopeOf(++room.seq), item: messageOf(room.seq) }));
  for (const socket of room.sockets) socket.write(frame);
}

await new Promise((resolve) => server.once('listening', resolve));
const { port } = server.address() as AddressInfo;
reportTo(
  process,
  { port, tokens: [] } satisfies Ready,
  async () => {
    for (const client of server.clients) client.terminate();
    server.close();
  },
  { talk: (pattern: Pattern) => talk(pattern, roomCount, say) },
);
