import { parentPort } from 'node:worker_threads';
import { hashSync, verifySync } from '@node-rs/argon2';

/** OWASP's recommendation for argon2id: 19 MiB, two passes, one lane. */
const COST = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 };

export type PasswordTask = { id: number; password: string } & ({ verify?: undefined } | { verify: string });
export type PasswordResult = { id: number } & ({ hash: string } | { matches: boolean } | { error: string });

// One at a time: the queue, and its bound, are on the other side.
parentPort!.on('message', (task: PasswordTask) => parentPort!.postMessage(resultOf(task)));

function resultOf({ id, password, verify }: PasswordTask): PasswordResult {
  try {
    return verify === undefined ? { id, hash: hashSync(password, COST) } : { id, matches: verifySync(verify, password) };
  } catch (error) {
    return { id, error: (error as Error).message };
  }
}
