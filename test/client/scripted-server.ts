import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ClientOptions, createClient, type OperationContract, type Tokens } from '@fondasi/client';
import { z } from 'zod';
import { WebSocketServer } from 'ws';

/** One connection as the server sees it. */
export interface Peer {
  token: string | undefined;
  readonly said: any[];
  say(message: object): void;
  close(code: number): void;
}

type Reply = { status: number; body: string; headers?: Record<string, string> } | undefined;

/** A server that answers as a test tells it: what the real one does rarely, or only by mistake. */
export class ScriptedServer {
  readonly peers: Peer[] = [];
  /** What was posted, and as whom. */
  readonly posted: { as: string | undefined; input: any }[] = [];
  /** Takes a message before the script does; answers whether it did. */
  onMessage: (message: any, peer: Peer) => boolean = () => false;
  /** Answers a request; none where it answers undefined. */
  onRequest: (request: IncomingMessage, input: any) => Reply = () => ({ status: 200, body: '{}' });
  private readonly http = createServer((request, response) => {
    let text = '';
    request.on('data', (bytes) => (text += bytes));
    request.on('end', () => {
      const input = JSON.parse(text || '{}');
      const reply = this.onRequest(request, input);
      if (!reply) return;
      if (reply.status === 200) this.posted.push({ as: request.headers.authorization?.slice('Bearer '.length), input });
      response.writeHead(reply.status, reply.headers).end(reply.body);
    });
  });
  private readonly sockets = new WebSocketServer({ server: this.http, handleProtocols: () => 'v1.json' });

  static async start(): Promise<ScriptedServer> {
    const server = new ScriptedServer();
    server.sockets.on('connection', (socket) => {
      const peer: Peer = {
        token: undefined,
        said: [],
        say: (message) => socket.send(JSON.stringify(message)),
        close: (code) => (code === 1006 ? socket.terminate() : socket.close(code)),
      };
      server.peers.push(peer);
      socket.on('message', (text) => server.heard(JSON.parse(String(text)), peer));
    });
    server.http.listen(0, '127.0.0.1');
    await once(server.http, 'listening');
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.http.address() as AddressInfo).port}`;
  }

  /** Connections that are open at the moment. */
  get open(): number {
    return this.sockets.clients.size;
  }

  said(type: string): any[] {
    return this.peers.flatMap(({ said }) => said).filter((message) => message.type === type);
  }

  close(): void {
    this.sockets.clients.forEach((socket) => socket.terminate());
    this.http.closeAllConnections();
    this.http.close();
  }

  private heard(message: any, peer: Peer) {
    peer.said.push(message);
    if (this.onMessage(message, peer)) return;
    const { type, id } = message;
    if (type === 'auth') {
      if (peer.token && ownerOf(peer.token) !== ownerOf(message.token))
        return peer.say({ type: 'problem', problem: UNAUTHENTICATED });
      peer.token = message.token;
      peer.say({ type: 'ready', expiresIn: 600, heartbeat: 30 });
    } else if (type === 'call') {
      this.posted.push({ as: peer.token, input: message.input });
      peer.say({ type: 'answer', id, output: { as: peer.token } });
    } else if (type === 'subscribe') {
      const cursor = message.after ?? 'e.1';
      peer.say({ type: 'subscribed', id, stream: streamOf(message), cursor, reset: false });
    } else if (type === 'unsubscribe') peer.say({ type: 'ended', stream: message.stream });
  }
}

/** As the real server: a connection stays its first owner's. */
function ownerOf(token: string): string {
  const { sub, org } = JSON.parse(atob(token.split('.')[1]!));
  return `${sub} ${org}`;
}

export const streamOf = ({ channel, params }: { channel: string; params: unknown }) => `${channel} ${JSON.stringify(params)}`;

export const UNAUTHENTICATED = { type: 'x', code: 'platform/unauthenticated', status: 401, title: 'You are not signed in' };

/** Tokens of a person, as far as a client reads them. */
export function tokensOf(
  sub: string,
  { org = 'org', version = 1, ...more }: Partial<Tokens> & { org?: string; version?: number } = {},
): Tokens {
  const claims = btoa(JSON.stringify({ sub, org, version }));
  return { accessToken: `header.${claims}.signature`, refreshToken: `refresh ${sub}`, expiresIn: 600, ...more };
}

const operation = (name: string, method: string, retry: OperationContract['retry']) =>
  ({
    kind: 'operation',
    name,
    method,
    path: `/${name}`,
    params: [],
    retry,
    input: z.object({ text: z.string() }),
    output: z.any(),
  }) as const;

export const notes = {
  post: operation('notes.post', 'POST', 'safe'),
  postOnce: operation('notes.postOnce', 'POST', 'never'),
  feed: { kind: 'channel', name: 'notes.feed', params: z.object({ id: z.string() }), item: z.string() },
} as const;

type Options = Omit<ClientOptions<{ notes: typeof notes }>, 'url' | 'contracts'>;

export const clientAt = ({ url }: ScriptedServer, options: Options = {}) =>
  createClient({ url, contracts: { notes }, ...options });

/** What a follower was told, in its order. */
export function listener() {
  const told: string[] = [];
  return {
    told,
    onItem: (item: string) => void told.push(item),
    onReset: () => void told.push('reset'),
    onLive: (live: boolean) => void told.push(live ? 'live' : 'away'),
    onEnd: (error: { code: string }) => void told.push(error.code),
  };
}
