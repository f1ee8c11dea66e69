/** Every connection of the process's budget is in use and none came free in time. The caller may try again; nothing ran. */
export class DatabaseBusy extends Error {
  override readonly name = 'DatabaseBusy';
}

/** The server can't be reached, or went away under a statement, which may or may not have run if it was not in a transaction. */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable';
}

/** The transaction took longer than it may and was rolled back. Nothing of it was kept. */
export class TransactionTimeout extends Error {
  override readonly name = 'TransactionTimeout';
}

/** A prepared statement met a schema that changed underneath it inside a transaction. The transaction is lost; run it again. */
export class SchemaChanged extends Error {
  override readonly name = 'SchemaChanged';
}

/**
 * The connection was lost while COMMIT was on its way: the transaction may or may not be kept. Only a retry that
 * recognizes its own earlier effect (an idempotency key, a client id) is safe.
 */
export class CommitOutcomeUnknown extends Error {
  override readonly name = 'CommitOutcomeUnknown';
}

/** The database can't serve this version of the program. The message is one sentence that says what to do. */
export class DatabaseRefused extends Error {
  override readonly name = 'DatabaseRefused';
}

/** SQLSTATE of a PostgreSQL error, undefined for anything else. */
export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}
