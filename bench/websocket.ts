import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

const TEXT = 1;
const CLOSE = 8;
const PING = 9;

/** A masked frame, as clients send it (RFC 6455, section 5.2). The mask is zero: it hides nothing and costs the server the same. */
export function clientFrame(text: string, opcode = TEXT): Buffer {
  const payload = Buffer.from(text);
  const long = payload.length >= 126;
  if (payload.length > 65_535) throw new Error('A bench sends no frames of 64 KB.');
  const head = Buffer.alloc(long ? 8 : 6);
  head[0] = 0x80 | opcode;
  head[1] = 0x80 | (long ? 126 : payload.length);
  if (long) head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}

/** Takes frames apart, without a copy where they come as a whole. */
class FrameReader {
  private pending: Buffer | undefined;

  /** `onFrame` gets the payload's place, which is overwritten afterwards. */
  read(chunk: Buffer, onFrame: (opcode: number, bytes: Buffer, start: number, end: number) => void): void {
    const bytes = this.pending ? Buffer.concat([this.pending, chunk]) : chunk;
    let at = 0;
    while (bytes.length - at >= 2) {
      const short = bytes[at + 1]! & 0x7f;
      const head = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (bytes.length - at < head) break;
      const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
      const end = at + head + length;
      if (end > bytes.length) break;
      onFrame(bytes[at]! & 0x0f, bytes, at + head, end);
      at = end;
    }
    this.pending = at === bytes.length ? undefined : Buffer.from(bytes.subarray(at));
  }
}

export interface Place {
  readonly port: number;
  readonly path: string;
  readonly protocol?: string;
}

/** What a client does with what it hears. */
export interface Ears {
  onOpen(): void;
  /** The text is between `start` and `end`, for as long as the function runs. */
  onText(bytes: Buffer, start: number, end: number): void;
  /** Also where it never opened; `why` is then what the server said instead, or what went wrong. */
  onClose(code: number | undefined, why: string | undefined): void;
}

// All sockets of a process read into it, one after the other.
const reading = Buffer.allocUnsafe(65_536);

/** A WebSocket client that does no more than a bench needs: thousands of them share a core with what is measured. */
export function openWebSocket({ port, path, protocol }: Place, ears: Ears): Socket {
  const reader = new FrameReader();
  let code: number | undefined;
  let why: string | undefined;
  let handshake: string | undefined = '';
  const onFrame = (opcode: number, bytes: Buffer, start: number, end: number) => {
    if (opcode === TEXT) ears.onText(bytes, start, end);
    else if (opcode === PING) socket.write(clientFrame(bytes.toString('latin1', start, end), 10));
    else if (opcode === CLOSE) {
      code = end - start >= 2 ? bytes.readUInt16BE(start) : undefined;
      socket.end(clientFrame('', CLOSE));
    }
  };
  const onData = (chunk: Buffer) => {
    if (handshake === undefined) return reader.read(chunk, onFrame);
    handshake += chunk.toString('latin1');
    const end = handshake.indexOf('\r\n\r\n');
    if (end < 0) return;
    if (!handshake.startsWith('HTTP/1.1 101')) {
      why = handshake;
      return void socket.destroy();
    }
    const rest = Buffer.from(handshake.slice(end + 4), 'latin1');
    handshake = undefined;
    ears.onOpen();
    if (rest.length > 0) reader.read(rest, onFrame);
  };
  const socket = connect({
    port,
    host: '127.0.0.1',
    noDelay: true,
    onread: { buffer: reading, callback: (length) => (onData(reading.subarray(0, length)), true) },
  });
  socket.on('error', ({ message }) => (why = message));
  socket.on('close', () => ears.onClose(code, why));
  socket.write(handshakeOf(path, protocol));
  return socket;
}

function handshakeOf(path: string, protocol: string | undefined): string {
  const lines = [
    `GET ${path} HTTP/1.1`,
    'host: localhost',
    'connection: Upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    `sec-websocket-key: ${randomBytes(16).toString('base64')}`,
  ];
  if (protocol) lines.push(`sec-websocket-protocol: ${protocol}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}
