import { Client, escapeIdentifier } from 'pg';
import { setTimeout as delay } from 'node:timers/promises';
import { type DatabaseOptions, defaults, directLogin } from './options.ts';

const SHORTEST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;

/**
 * Listens to one channel of NOTIFY, past any pooler, on a connection of its own that is opened again whenever it is
 * lost. What was said in between is lost with it.
 */
export class Listener {
  private readonly options: DatabaseOptions;
  private readonly module: string;
  private readonly channel: string;
  private readonly onPayload: (payload: string) => void;
  private readonly stop = new AbortController();
  private readonly running: Promise<void>;

  constructor(options: DatabaseOptions, module: string, channel: string, onPayload: (payload: string) => void) {
    this.options = options;
    this.module = module;
    this.channel = channel;
    this.onPayload = onPayload;
    this.running = this.run();
  }

  async close(): Promise<void> {
    this.stop.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    let wait = SHORTEST_WAIT_MS;
    while (!this.stop.signal.aborted) {
      try {
        await this.listen(() => (wait = SHORTEST_WAIT_MS));
      } catch (error) {
        if (wait === SHORTEST_WAIT_MS) this.options.onError?.(error as Error, `listening to ${this.channel}`);
      }
      await delay(wait, undefined, { signal: this.stop.signal }).catch(() => {});
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    }
  }

  /** Resolves when it is to stop; rejects when the connection is lost. */
  private async listen(onListening: () => void): Promise<void> {
    const { applicationName = 'fondasi', connectTimeout = defaults.connectTimeout } = this.options;
    const client = new Client({
      ...directLogin(this.options, this.module),
      keepAlive: true,
      keepAliveInitialDelayMillis: 5_000,
      connectionTimeoutMillis: connectTimeout,
      application_name: `${applicationName} listener`,
    });
    const { signal } = this.stop;
    try {
      await new Promise<void>((resolve, reject) => {
        signal.addEventListener('abort', () => resolve(), { once: true });
        client.on('error', reject);
        client.on('end', () => reject(new Error('the connection ended')));
        client.on('notification', ({ payload }) => payload && this.onPayload(payload));
        client
          .connect()
          .then(() => client.query(`listen ${escapeIdentifier(this.channel)}`))
          .then(onListening, reject);
      });
    } finally {
      client.removeAllListeners('end');
      client.on('error', () => {});
      await client.end().catch(() => {});
    }
  }
}
