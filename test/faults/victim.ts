import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findPostmaster } from '../../src/platform/database/embedded/postmaster.ts';
import type { Writer } from './writer.ts';

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));
const START_PATIENCE_MS = 60_000;

/** One running application, started as an operator would: nothing is tidied up before. */
export class Victim {
  readonly cluster: string;
  readonly child: ChildProcess;
  address = '';
  printed = '';
  complained = '';
  readonly #writer: Writer;

  private constructor(writer: Writer, dataDir: string) {
    const [program, ...args] = writer.command;
    this.#writer = writer;
    this.cluster = join(dataDir, 'postgres');
    const env = { ...process.env, NODE_OPTIONS: '', ...writer.environment(dataDir) };
    this.child = spawn(program, args, { cwd: PACKAGE, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout!.on('data', (text: Buffer) => (this.printed += text.toString()));
    this.child.stderr!.on('data', (text: Buffer) => (this.complained += text.toString()));
  }

  static async start(writer: Writer, dataDir: string): Promise<Victim> {
    const victim = Victim.launch(writer, dataDir);
    await until('the application is ready', START_PATIENCE_MS, () => {
      if (victim.child.exitCode !== null) throw new Error(`it ended with ${victim.child.exitCode}: ${victim.complained}`);
      return (victim.address = writer.address(victim.printed) ?? '') !== '';
    });
    return victim;
  }

  /** Without waiting for it to be ready. */
  static launch(writer: Writer, dataDir: string): Victim {
    return new Victim(writer, dataDir);
  }

  async turn(): Promise<void> {
    await this.#writer.turn?.(this.address);
  }

  write(id: string, text: string): Promise<void> {
    return this.#writer.write(this.address, id, text);
  }

  written(): Promise<Set<string>> {
    return this.#writer.written(this.address);
  }

  get databasePid(): number {
    const found = findPostmaster(this.cluster);
    if (!found) throw new Error('the database does not run');
    return found.pid;
  }

  async ended(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
    return this.child.exitCode;
  }

  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    await this.ended();
  }
}

/** Waits for a condition; what it throws ends the waiting. */
export async function until(what: string, patience: number, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + patience; !(await condition()); await delay(10)) {
    if (Date.now() > end) throw new Error(`Waited ${patience} ms in vain until ${what}`);
  }
}
