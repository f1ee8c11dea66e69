import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Stands between a client and a service, to be cut, or to swallow what comes. */
export class TcpProxy {
  private readonly target: URL;
  private readonly pairs = new Set<Socket>();
  private server: Server | undefined;
  private silent = false;
  port = 0;

  private constructor(target: URL) {
    this.target = target;
  }

  static async to(url: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(new URL(url));
    await proxy.restore();
    return proxy;
  }

  get url(): string {
    const url = new URL(this.target);
    url.hostname = '127.0.0.1';
    url.port = String(this.port);
    return url.href;
  }

  /** Every connection breaks, and new ones are refused. */
  async cut(): Promise<void> {
    this.server?.close();
    for (const socket of this.pairs) socket.destroy();
    if (this.server?.listening) await once(this.server, 'close');
    this.server = undefined;
  }

  /** Connections stay, and nothing comes through any more. */
  swallow(): void {
    this.silent = true;
  }

  async restore(): Promise<void> {
    this.silent = false;
    if (this.server) return;
    this.server = createServer((client) => this.pass(client)).listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
  }

  private pass(client: Socket) {
    const service = connect({ host: this.target.hostname, port: Number(this.target.port || 6379) });
    for (const [from, to] of [
      [client, service],
      [service, client],
    ] as const) {
      this.pairs.add(from);
      from.on('data', (bytes) => this.silent || to.write(bytes));
      from.on('error', () => {});
      from.on('close', () => {
        this.pairs.delete(from);
        to.destroy();
      });
    }
  }
}
