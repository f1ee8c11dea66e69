import { setTimeout as delay } from 'node:timers/promises';
import { APPLICATION_LOCK, SessionLock } from './session-lock.ts';
import { StartError } from '../../start-error.ts';

/** How long a lock may outlast its killed owner: the server has to see the connection's end first. */
const GRACE_MS = 1500;
const RETRY_MS = 100;

export type Claim = {
  /** Resolves when another application has the database: after an interruption in which ours was gone. */
  lost: Promise<void>;
  release(): Promise<void>;
};

/**
 * Marks the database as used by this live application, for as long as the process lives; refuses when another one has it.
 * When the server is restarted, the mark is set again.
 * @throws {StartError} naming the other process
 */
export async function claim(url: string): Promise<Claim> {
  let lock = await compete(url);
  let released = false;
  const keep = async (): Promise<void> => {
    for (;;) {
      await lock.closed;
      const again = await reacquire(url, () => released);
      if (again === 'released') return new Promise(() => undefined);
      if (again === 'taken') return;
      lock = again;
    }
  };
  return {
    lost: keep(),
    release: async () => {
      released = true;
      await lock.close();
    },
  };
}

/** Waits for the server to come back, however long that takes. */
async function reacquire(url: string, released: () => boolean): Promise<SessionLock | 'taken' | 'released'> {
  while (!released()) {
    try {
      return await compete(url);
    } catch (error) {
      if (error instanceof StartError) return 'taken';
      await delay(RETRY_MS, undefined, { ref: false }); // a process that has nothing else to do may end
    }
  }
  return 'released';
}

async function compete(url: string): Promise<SessionLock> {
  const lock = await SessionLock.open(url, APPLICATION_LOCK, 'fondasi application');
  const until = Date.now() + GRACE_MS;
  while (!(await lock.tryAcquire())) {
    if (Date.now() > until) {
      const holder = await lock.holder();
      await lock.close();
      throw new StartError(
        `The data is in use by another Fondasi${holder ? ` (process ${holder.split(' ').at(-1)})` : ''}: stop that one, or set DATA_DIR to another folder.`,
      );
    }
    await delay(RETRY_MS);
  }
  return lock;
}
