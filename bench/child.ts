// The side of a measured process; `server-process.ts` is the other one.

/** What the process has used since it started: microseconds of CPU (user and system, all threads), bytes. */
export interface Usage {
  readonly cpu: number;
  readonly rss: number;
  readonly heap: number;
}

export interface Ready {
  readonly port: number;
  /** Where gRPC is on. */
  readonly grpcPort?: number | undefined;
  /** An access token for each caller, in the order of their ids; empty where nobody asks for one. */
  readonly tokens: readonly string[];
}

export interface Asked {
  readonly id: number;
  readonly what: string;
  readonly about?: unknown;
}

/** Questions beyond those that every process can answer. */
export type Answers = Readonly<Record<string, (about: any) => unknown>>;

/** Tells the bench that the process is ready, answers its questions, and stops when it lets go. */
export function reportTo(bench: NodeJS.Process, ready: object, stop: () => Promise<unknown>, more: Answers = {}): void {
  const answers: Answers = { ...more, usage, 'usage after garbage collection': () => (collectGarbage(), usage()) };
  bench.on('message', ({ id, what, about }: Asked) => {
    void Promise.resolve(answers[what]!(about)).then((answer) => bench.send!({ id, answer }));
  });
  bench.on('disconnect', () => {
    void stop().finally(() => process.exit());
  });
  bench.send!({ ready });
}

function usage(): Usage {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  return { cpu: user + system, rss, heap: heapUsed };
}

/** Twice: what finalizers let go of in the first is freed by the second. */
function collectGarbage() {
  if (!globalThis.gc) throw new Error('The process was started without --expose-gc.');
  globalThis.gc();
  globalThis.gc();
}
