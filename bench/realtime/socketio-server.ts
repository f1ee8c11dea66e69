// The same with Socket.IO: its rooms, its `emit`, WebSocket only, everything else as it comes.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';
import { reportTo, type Ready } from '../child.ts';
import { envelopeOf, FIRST, messageOf } from './messages.ts';
import { type Pattern, talk } from './talk.ts';

const http = createServer();
// Its heartbeat is left out, as the bare server has none.
const io = new Server(http, { transports: ['websocket'], pingInterval: 3_600_000 });
const seqs = new Map<number, number>();
io.on('connection', (socket) => {
  void socket.join(String(socket.handshake.query.room));
});

/** As many bytes as on the other servers, with the `42` before it. */
function say(room: number) {
  const seq = (seqs.get(room) ?? FIRST) + 1;
  seqs.set(room, seq);
  const { stream, cursor } = envelopeOf(seq);
  io.to(String(room)).emit('messages', { stream, cursor, item: messageOf(seq) });
}

await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
const { port } = http.address() as AddressInfo;
reportTo(process, { port, tokens: [] } satisfies Ready, async () => io.close(), {
  talk: (pattern: Pattern) => talk(pattern, Number(process.env.BENCH_ROOMS), say),
});
