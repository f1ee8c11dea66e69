import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler, createQueryId, sql } from 'kysely';
import type { Compilable, CompiledQuery, QueryResult, RawBuilder, RootOperationNode } from 'kysely';
import type { QueryResultRow } from 'pg';
import type { Statement } from './connection.ts';
import { Database } from './database.ts';
import type { Tx } from './database.ts';
import type { NamedQuery } from './driver.ts';
import { SchemaChanged, sqlState } from './errors.ts';

/** Stands for a parameter while a query is built: `p('roomId')`. One parameter may be used several times. */
export type Placeholder<P> = <K extends keyof P & string>(name: K) => RawBuilder<P[K]>;

/** A statement that is compiled once and prepared once per connection. Calling it gives the rows. */
export interface Prepared<T, P, R> {
  (db: Database<T> | Tx<T>, parameters: P): Promise<R[]>;
  /** The first row, if there is one. */
  first(db: Database<T> | Tx<T>, parameters: P): Promise<R | undefined>;
  /** The one row; throws when there are none or several. */
  one(db: Database<T> | Tx<T>, parameters: P): Promise<R>;
  /** How many rows it changed. */
  changes(db: Database<T> | Tx<T>, parameters: P): Promise<number>;
  readonly statement: string;
  readonly sql: string;
}

/**
 * A hot query, declared once beside its repository:
 *
 *     const findMember = prepared<ChatTables, { roomId: string }, Row>('chat.find-member', (db, p) =>
 *       db.selectFrom('chat.member').select(['person_id']).where('room_id', '=', p('roomId')));
 *     const rows = await findMember(this.db, { roomId });   // or (tx, { roomId })
 *
 * Name the columns: a query with explicit columns is untouched by a migration that adds one. A change of a column's type
 * costs one silent retry outside a transaction, and `SchemaChanged` inside one.
 */
export function prepared<T, P extends object, R>(
  name: string,
  build: (db: Kysely<T>, p: Placeholder<P>) => Compilable<R>,
): Prepared<T, P, R> {
  const { sql: text, parameters, query } = build(compiler as Kysely<T>, placeholder as Placeholder<P>).compile();
  const slots = parameters.map((value) => (value instanceof Marker ? { parameter: value.parameter } : { constant: value }));
  return statement(name, text, slots, onlyReads(query));
}

/**
 * Such a statement waits for nobody's lock, so others may wait behind it on its connection. One that locks or writes could wait for
 * the very transaction that asks for the next one.
 */
const onlyReads = (query: RootOperationNode): boolean =>
  query.kind === 'SelectQueryNode' && query.with === undefined && query.endModifiers === undefined;

/**
 * The same for SQL written out, above all calls of SQL functions: `$1`, `$2` … are the named parameters in the order given.
 *
 *     const append = preparedSql<ChatTables, { rooms: string[]; texts: string[] }, Row>('chat.append',
 *       'select seq, created from chat.append($1::uuid[], $2::text[])', ['rooms', 'texts']);
 */
export const preparedSql = <T, P extends object, R>(
  name: string,
  text: string,
  parameters: readonly (keyof P & string)[],
): Prepared<T, P, R> =>
  statement(
    name,
    text,
    parameters.map((parameter) => ({ parameter })),
    false,
  );

class Marker {
  readonly parameter: string;
  constructor(parameter: string) {
    this.parameter = parameter;
  }
}

const placeholder = (parameter: string): RawBuilder<unknown> => sql.val(new Marker(parameter));

type Slot = { parameter: string } | { constant: unknown };

/** Only compiles; never runs anything. */
const compiler = new Kysely<unknown>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

const known = new Map<string, string>();
const longestName = 55; // PostgreSQL compares 63 bytes of a name; the rest is for the generation

function statement<T, P extends object, R>(name: string, text: string, slots: Slot[], shared: boolean): Prepared<T, P, R> {
  if (!/^[\w.-]+$/.test(name) || name.length > longestName) {
    throw new Error(`"${name}" is no name for a prepared statement: letters, digits, ".", "-", "_", at most ${longestName}.`);
  }
  if ((known.get(name) ?? text) !== text) throw new Error(`Two different statements are called "${name}".`);
  known.set(name, text);

  // After a migration changed a result type, every connection prepares the statement anew, under the next name.
  let current = name;
  let generation = 0;
  const isStale = (error: unknown, used: string | undefined): boolean => {
    if (sqlState(error) !== '0A000' || !(error as Error).message.includes('cached plan')) return false;
    if (used === current) current = `${name}~${++generation}`;
    return true;
  };
  const valuesOf = (parameters: P): unknown[] => {
    const values: unknown[] = [];
    for (const slot of slots)
      values.push('parameter' in slot ? (parameters as Record<string, unknown>)[slot.parameter] : slot.constant);
    return values;
  };

  async function onPool(db: Database<T>, values: unknown[]): Promise<{ rows: R[]; rowCount: number | null }> {
    const { pool } = db;
    const named = pool.options.pooler !== 'transaction';
    for (let attempt = 1; ; attempt++) {
      const sent: Statement = { name: named ? current : undefined, text, values };
      try {
        return await (shared && attempt === 1 ? pool.runShared<R & QueryResultRow>(sent) : pool.run<R & QueryResultRow>(sent));
      } catch (error) {
        if (attempt > 1 || !(isStale(error, sent.name) || wasNotPrepared(error))) throw error;
      }
    }
  }

  async function inTransaction(tx: Tx<T>, values: unknown[]): Promise<{ rows: R[]; rowCount: number | null }> {
    const used = current;
    const query: NamedQuery = { name: used, sql: text, parameters: values, query: rawNode, queryId: createQueryId() };
    try {
      const result: QueryResult<R> = await tx.executeQuery(query as CompiledQuery<R>);
      return { rows: result.rows, rowCount: result.numAffectedRows === undefined ? null : Number(result.numAffectedRows) };
    } catch (error) {
      if (!isStale(error, used)) throw error;
      throw new SchemaChanged(`The schema changed under the statement "${name}"; its transaction is lost and has to run again.`, {
        cause: error,
      });
    }
  }

  const run = (db: Database<T> | Tx<T>, parameters: P) =>
    db instanceof Database ? onPool(db, valuesOf(parameters)) : inTransaction(db, valuesOf(parameters));

  return Object.assign(async (db: Database<T> | Tx<T>, parameters: P) => (await run(db, parameters)).rows, {
    first: async (db: Database<T> | Tx<T>, parameters: P) => (await run(db, parameters)).rows[0],
    one: async (db: Database<T> | Tx<T>, parameters: P) => {
      const { rows } = await run(db, parameters);
      if (rows.length !== 1) throw new Error(`"${name}" gave ${rows.length} rows where exactly one was expected.`);
      return rows[0]!;
    },
    changes: async (db: Database<T> | Tx<T>, parameters: P) => (await run(db, parameters)).rowCount ?? 0,
    statement: name,
    sql: text,
  });
}

/** The statement that prepared it for those behind it on the connection had failed. It has not run. */
const wasNotPrepared = (error: unknown): boolean => sqlState(error) === '26000';

const rawNode = sql`select`.compile(compiler).query;
