import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Asked, Ready, Usage } from './child.ts';

/** Where the compiled processes are; see `run.ts`. */
const COMPILED = join(import.meta.dirname, '../.cache/bench');

/** A process under measurement: built code, the environment of production. */
export class ServerProcess<R = Ready> {
  readonly name: string;
  readonly ready: R;
  readonly #child: ChildProcess;
  #asked = 0;

  private constructor(name: string, ready: R, child: ChildProcess) {
    this.name = name;
    this.ready = ready;
    this.#child = child;
  }

  /** `file` is below `bench`, without `.ts`. */
  static async start<R = Ready>(name: string, file: string, settings: Record<string, string>, flags: readonly string[] = []) {
    const { BENCH_PROFILE } = process.env;
    const profiling = BENCH_PROFILE ? ['--cpu-prof', `--cpu-prof-dir=${BENCH_PROFILE}`] : [];
    const child = fork(join(COMPILED, `${file}.js`), {
      env: { PATH: process.env.PATH, NODE_ENV: 'production', ...settings },
      execArgv: [...flags, ...profiling],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const ready = await new Promise<R>((resolve, reject) => {
      child.once('message', (message: { ready: R }) => resolve(message.ready));
      child.once('exit', (code) => reject(new Error(`${name} ended with ${code} before it was ready.`)));
      child.once('error', reject);
    });
    return new ServerProcess<R>(name, ready, child);
  }

  ask(what: 'usage' | 'usage after garbage collection'): Promise<Usage>;
  /** One of the questions that the process itself knows. */
  ask<T>(what: string, about?: unknown): Promise<T>;
  ask(what: string, about?: unknown): Promise<unknown> {
    const id = ++this.#asked;
    return new Promise((resolve, reject) => {
      const ended = () => reject(new Error(`${this.name} ended while it was measured.`));
      const answered = (message: { id: number; answer: unknown }) => {
        if (message.id !== id) return;
        this.#child.off('message', answered).off('exit', ended);
        resolve(message.answer);
      };
      this.#child.on('message', answered).once('exit', ended);
      this.#child.send({ id, what, about } satisfies Asked);
    });
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.disconnect();
    await ended;
  }
}
