import { Worker } from 'node:worker_threads';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Problem } from '#platform/contract/problem';
import { Metrics } from '#platform/observability/metrics';
import { TooManySignIns } from './contract.ts';
import type { PasswordResult, PasswordTask } from './password.worker.ts';

/** Passwords that wait for their turn; at about 15 ms each the last one waits a second. */
const LONGEST_QUEUE = 64;

interface Waiting {
  resolve(result: PasswordResult): void;
  reject(error: Error): void;
}

/**
 * Hashes passwords with argon2id in a thread of its own, one after the other. Not in libuv's pool: everything that
 * uses it would wait behind the hashes. Too many at once are refused, so that a flood of sign-ins can't take the
 * memory or the processor from everybody else.
 */
@Injectable()
export class PasswordHasher implements OnApplicationShutdown {
  private worker: Worker | undefined;
  private readonly waiting = new Map<number, Waiting>();
  private lastId = 0;

  constructor(metrics: Metrics) {
    metrics.observe('password_queue_length', 'Passwords that wait to be hashed or checked.', () => this.waiting.size);
  }

  /** @throws Problem TooManySignIns */
  async hash(password: string): Promise<string> {
    const result = await this.run({ password });
    if (!('hash' in result)) throw new Error('no hash came back');
    return result.hash;
  }

  /**
   * Whether the password is the one behind `hash`. Without a hash it takes the same time and says no.
   * @throws Problem TooManySignIns
   */
  async matches(hash: string | undefined, password: string): Promise<boolean> {
    const result = await this.run({ password, verify: hash ?? NOBODY });
    return hash !== undefined && 'matches' in result && result.matches;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.worker?.terminate();
  }

  private run(task: { password: string; verify?: string }): Promise<PasswordResult> {
    if (this.waiting.size >= LONGEST_QUEUE) throw new Problem(TooManySignIns, undefined, { retryAfter: 2 });
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.running().postMessage({ id, ...task } as PasswordTask);
    });
  }

  private running(): Worker {
    if (this.worker) return this.worker;
    // The worker stands beside this file, compiled or not.
    const worker = new Worker(new URL(import.meta.url.replace('password-hasher', 'password.worker')));
    worker.unref();
    worker.on('message', (result: PasswordResult) => {
      const waiting = this.waiting.get(result.id)!;
      this.waiting.delete(result.id);
      if ('error' in result) waiting.reject(new Error(result.error));
      else waiting.resolve(result);
    });
    const failed = (error: Error) => {
      if (this.worker === worker) this.worker = undefined;
      for (const { reject } of this.waiting.values()) reject(error);
      this.waiting.clear();
    };
    worker.on('error', failed);
    worker.on('exit', () => failed(new Error('the password thread ended')));
    return (this.worker = worker);
  }
}

/** A hash of a random password, of the same cost as real ones. */
const NOBODY = '$argon2id$v=19$m=19456,t=2,p=1$GdyDDTLvXvfKYIUkLpT0DQ$y83PYCjDoVZdgHQJBelARvfwcRXienpwFm7IIl0VXkw';
