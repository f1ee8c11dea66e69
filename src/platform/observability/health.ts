/** Throws, or takes too long, when what it looks at doesn't work. */
export type Check = () => Promise<void>;

export interface HealthReport {
  /** 200, or 503 when no traffic should come. */
  status: 200 | 503;
  body: { status: 'up' | 'down'; checks?: Record<string, 'up' | 'down'> };
}

/** A check that takes longer has failed: the asker has a deadline of its own. */
const CHECK_MS = 2000;
/** Probes of several balancers must not become load on the database. */
const REUSE_MS = 500;

/** Whether this process lives and whether it should get traffic. Tells the outside names and up or down, never why: that is logged. */
export class Health {
  private readonly checks = new Map<string, Check>();
  private readonly onFailure: (name: string, error: unknown) => void;
  private draining = false;
  private latest: { at: number; report: Promise<HealthReport> } | undefined;

  constructor(onFailure: (name: string, error: unknown) => void = () => {}) {
    this.onFailure = onFailure;
  }

  register(name: string, check: Check): void {
    this.checks.set(name, check);
  }

  /** From now on no new traffic should come: the process is about to stop. */
  drain(): void {
    this.draining = true;
  }

  /** For `/health/live`: the event loop turns. A restart wouldn't mend a database that is away, so it isn't asked. */
  live(): HealthReport {
    return { status: 200, body: { status: 'up' } };
  }

  /** For `/health/ready`: all that the process needs works, and it isn't stopping. */
  ready(): Promise<HealthReport> {
    if (this.draining) return Promise.resolve({ status: 503, body: { status: 'down' } });
    const now = performance.now();
    if (this.latest === undefined || now - this.latest.at > REUSE_MS) this.latest = { at: now, report: this.runChecks() };
    return this.latest.report;
  }

  private async runChecks(): Promise<HealthReport> {
    const results = await Promise.all(
      [...this.checks].map(async ([name, check]) => [name, await this.run(name, check)] as const),
    );
    const up = results.every(([, result]) => result === 'up');
    return { status: up ? 200 : 503, body: { status: up ? 'up' : 'down', checks: Object.fromEntries(results) } };
  }

  private async run(name: string, check: Check): Promise<'up' | 'down'> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error(`no answer within ${CHECK_MS} ms`)), CHECK_MS);
    try {
      await Promise.race([check(), late.promise]);
      return 'up';
    } catch (error) {
      this.onFailure(name, error);
      return 'down';
    } finally {
      clearTimeout(timer);
    }
  }
}
