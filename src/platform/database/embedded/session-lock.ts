import { Client } from 'pg';

/** Advisory locks by which processes know of each other; the numbers spell "fond" and a purpose. */
export const SUPERVISOR_LOCK = { group: 0x666f6e64, purpose: 1 } as const;
export const APPLICATION_LOCK = { group: 0x666f6e64, purpose: 2 } as const;

export type LockKey = typeof SUPERVISOR_LOCK | typeof APPLICATION_LOCK;

/**
 * A database session that may hold one advisory lock. The lock lives exactly as long as the session: the server frees it
 * when the process dies, however it dies.
 */
export class SessionLock {
  held = false;
  /** Resolves when the session ends, whoever ended it. */
  readonly closed: Promise<void>;
  readonly #client: Client;
  readonly #key: LockKey;

  private constructor(client: Client, key: LockKey) {
    this.#client = client;
    this.#key = key;
    this.closed = new Promise((resolve) => client.once('end', () => resolve()));
    void this.closed.then(() => (this.held = false));
  }

  /** @param name what `pg_stat_activity` shows, so that who is refused can be told by whom */
  static async open(url: string, key: LockKey, name: string): Promise<SessionLock> {
    const client = new Client({ connectionString: url, application_name: `${name} ${process.pid}`, keepAlive: true });
    client.on('error', () => undefined); // its end is what counts, and `closed` tells that
    const lock = new SessionLock(client, key);
    await client.connect();
    return lock;
  }

  async tryAcquire(): Promise<boolean> {
    if (this.held) return true;
    const { group, purpose } = this.#key;
    const { rows } = await this.#client.query<{ got: boolean }>('select pg_try_advisory_lock($1, $2) as got', [group, purpose]);
    return (this.held = rows[0]?.got === true);
  }

  /** The name of the session that has it, e.g. `fondasi application 123`; undefined when nobody has. */
  async holder(key: LockKey = this.#key): Promise<string | undefined> {
    const { rows } = await this.#client.query<{ name: string }>(
      `select a.application_name as name from pg_locks l join pg_stat_activity a using (pid)
        where l.locktype = 'advisory' and l.granted and l.classid = $1::bigint::oid and l.objid = $2::bigint::oid
          and l.objsubid = 2`,
      [key.group, key.purpose],
    );
    return rows[0]?.name;
  }

  async close(): Promise<void> {
    this.held = false;
    await this.#client.end().catch(() => undefined);
  }
}
