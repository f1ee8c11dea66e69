import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** How an operation ended, as far as a dashboard asks: the caller's mistake and ours are different alarms. */
export type Outcome = 'ok' | 'refused' | 'failed';

/** Seconds, from a cached answer to the deadline of a slow one. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export interface PoolState {
  total: number;
  idle: number;
  waiting: number;
}

/** What this process measures of itself, in Prometheus' text format. */
export class Metrics {
  readonly registry = new Registry();

  private readonly http = new Histogram({
    name: 'http_server_request_duration_seconds',
    help: 'Duration of HTTP requests by route template.',
    labelNames: ['http_request_method', 'http_route', 'http_response_status_code'],
    buckets: BUCKETS,
    registers: [this.registry],
  });

  private readonly operations = new Histogram({
    name: 'operation_duration_seconds',
    help: 'Duration of operations, whatever the protocol.',
    labelNames: ['operation', 'transport', 'outcome'],
    buckets: BUCKETS,
    registers: [this.registry],
  });

  private readonly refusals = new Counter({
    name: 'rate_limit_refusals_total',
    help: 'Requests refused because a limit was reached.',
    labelNames: ['operation'],
    registers: [this.registry],
  });

  private active = 0;

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    this.observe('http_server_active_requests', 'Requests that are being served.', () => this.active);
  }

  /** Call once per route at start; the function that it returns observes one request (status, seconds). */
  route(method: string, path: string): (status: number, seconds: number) => void {
    const byStatus = new Map<number, (seconds: number) => void>();
    return (status, seconds) => {
      let observe = byStatus.get(status);
      if (observe === undefined) {
        observe = this.http.labels(method, path, String(status)).observe;
        byStatus.set(status, observe);
      }
      observe(seconds);
    };
  }

  /** Call once per operation and transport at start; the function that it returns observes one call (outcome, seconds). */
  operation(name: string, transport: string): (outcome: Outcome, seconds: number) => void {
    const by = (outcome: Outcome) => this.operations.labels(name, transport, outcome).observe;
    const observers = { ok: by('ok'), refused: by('refused'), failed: by('failed') };
    return (outcome, seconds) => observers[outcome](seconds);
  }

  requestStarted(): void {
    this.active++;
  }

  requestFinished(): void {
    this.active--;
  }

  rateLimitRefused(operation: string): void {
    this.refusals.inc({ operation });
  }

  /** The state of a pool of database connections, read when the metrics are. */
  databasePool(name: string, state: () => PoolState): void {
    const gauge = (this.pools ??= new Gauge({
      name: 'database_connections',
      help: 'Connections to the database by pool and state; `waiting` are requests for one.',
      labelNames: ['pool', 'state'],
      registers: [this.registry],
      collect: () => {
        for (const [pool, read] of this.poolStates) {
          for (const [key, value] of Object.entries(read())) gauge.set({ pool, state: key }, value as number);
        }
      },
    }));
    this.poolStates.set(name, state);
  }

  /** A value that is read when the metrics are, such as the length of a queue. */
  observe(name: string, help: string, read: () => number): void {
    const gauge: Gauge = new Gauge({ name, help, registers: [this.registry], collect: () => gauge.set(read()) });
  }

  /** A count since the start that somebody else keeps, because it changes too often to be told each time. */
  total(name: string, help: string, read: () => number): void {
    const counter: Counter = new Counter({
      name,
      help,
      registers: [this.registry],
      collect: () => {
        counter.reset();
        counter.inc(read());
      },
    });
  }

  /** Counts something that happened. */
  count(name: string, help: string, by = 1): void {
    let counter = this.counters.get(name);
    if (!counter) this.counters.set(name, (counter = new Counter({ name, help, registers: [this.registry] })));
    counter.inc(by);
  }

  /** The text that Prometheus scrapes, and its content type. */
  async page(): Promise<{ contentType: string; text: string }> {
    return { contentType: this.registry.contentType, text: await this.registry.metrics() };
  }

  private readonly counters = new Map<string, Counter>();
  private pools: Gauge<'pool' | 'state'> | undefined;
  private readonly poolStates = new Map<string, () => PoolState>();
}
