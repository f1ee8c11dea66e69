// What an operation over a WebSocket is measured against: `ws` alone, JSON parsed and written. No check, no limit, no log.
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { reportTo, type Ready } from '../child.ts';
import { profileOf } from '../product/profile.ts';

const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
server.on('connection', (socket) => {
  socket.on('message', (data) => {
    const { type, id, input } = JSON.parse(String(data));
    const answer = type === 'auth' ? { type: 'ready' } : { type: 'answer', id, status: 200, output: profileOf(input.id) };
    socket.send(JSON.stringify(answer));
  });
});
await new Promise((resolve) => server.once('listening', resolve));
const { port } = server.address() as AddressInfo;
reportTo(process, { port, tokens: [] } satisfies Ready, async () => {
  for (const client of server.clients) client.terminate();
  server.close();
});
