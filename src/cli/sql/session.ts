import type { Client, QueryArrayResult } from 'pg';
import { connect } from '../opened-database.ts';
import { DESCRIBE_COLUMNS, DESCRIBE_RULES, LIST_SCHEMAS, LIST_TABLES } from './catalog.ts';
import { asRecords, asTable, type Rows } from './table.ts';

/** int2, int4, int8, oid, float4, float8, numeric, money */
const NUMERIC = new Set([20, 21, 23, 26, 700, 701, 1700, 790]);

const HELP = `statements end with ;
\\dt [name]   tables, of a schema or of that name
\\d name      a table's columns, indexes and constraints
\\dn          schemas
\\x           one column per line, on and off
\\q           leave
`;

/** A connection with `psql`'s manners: text in, text out, errors told and survived. */
export class SqlSession {
  readonly #client: Client;
  readonly #url: string;
  #expanded = false;

  private constructor(client: Client, url: string) {
    this.#client = client;
    this.#url = url;
  }

  static async open(url: string): Promise<SqlSession> {
    // Every value as the server writes it: nothing is lost to a JavaScript type.
    const client = await connect(url, { types: (() => (value: string) => value) as unknown as Client['getTypeParser'] });
    client.on('notice', (notice) => process.stderr.write(`${notice.severity ?? 'NOTICE'}: ${notice.message ?? ''}\n`));
    return new SqlSession(client, url);
  }

  /** Runs statements and prints what they give. False when the server refused. */
  async execute(sql: string, values?: string[]): Promise<boolean> {
    try {
      const result = (await this.#client.query({ text: sql, rowMode: 'array', ...(values && { values }) })) as unknown;
      for (const one of (Array.isArray(result) ? result : [result]) as QueryArrayResult<(string | null)[]>[]) this.#print(one);
      return true;
    } catch (error) {
      process.stderr.write(`${describe(error as ServerError, sql)}\n`);
      return false;
    }
  }

  /** A backslash command. False: leave. */
  async command(line: string): Promise<boolean> {
    const [name, argument = ''] = line.trim().split(/\s+/, 2);
    switch (name) {
      case '\\q':
        return false;
      case '\\x':
        this.#expanded = !this.#expanded;
        process.stdout.write(`one column per line: ${this.#expanded ? 'on' : 'off'}\n`);
        break;
      case '\\dn':
        await this.execute(LIST_SCHEMAS);
        break;
      case '\\dt':
        await this.execute(LIST_TABLES, [argument]);
        break;
      case '\\d':
        if (argument === '') await this.execute(LIST_TABLES, ['']);
        else if (await this.execute(DESCRIBE_COLUMNS, [argument])) await this.execute(DESCRIBE_RULES, [argument]);
        break;
      default:
        process.stdout.write(HELP);
    }
    return true;
  }

  /** Ends the statement that runs now; the session goes on. */
  async cancel(): Promise<void> {
    const { processID } = this.#client as Client & { processID: number };
    const other = await connect(this.#url);
    await other.query('select pg_cancel_backend($1)', [processID]);
    await other.end();
  }

  async close(): Promise<void> {
    await this.#client.end();
  }

  #print({ fields, rows, command, rowCount }: QueryArrayResult<(string | null)[]>): void {
    if (fields.length === 0 && rows.length === 0) {
      if (command) process.stdout.write(`${command}${rowCount === null ? '' : ` ${rowCount}`}\n`);
      return;
    }
    const table: Rows = { columns: fields.map(({ name, dataTypeID }) => ({ name, numeric: NUMERIC.has(dataTypeID) })), rows };
    process.stdout.write(`${this.#expanded ? asRecords(table) : asTable(table)}\n`);
  }
}

type ServerError = Error & { severity?: string; code?: string; position?: string; detail?: string; hint?: string };

function describe({ severity = 'ERROR', message, code, position, detail, hint }: ServerError, sql: string): string {
  const lines = [`${severity}: ${message}${code ? ` (${code})` : ''}`];
  if (position !== undefined) {
    const before = sql.slice(0, Number(position) - 1);
    const start = before.lastIndexOf('\n') + 1;
    lines.push(sql.slice(start).split('\n', 1)[0]!, `${' '.repeat(before.length - start)}^`);
  }
  if (detail) lines.push(`DETAIL: ${detail}`);
  if (hint) lines.push(`HINT: ${hint}`);
  return lines.join('\n');
}
