import { asTable } from '../sql/table.ts';
import type { Content } from './rows.ts';

/** What was moved: every table with its rows and checksum, to be laid beside the other side's. */
export class Tally {
  readonly tables = new Map<string, Content>();

  add(table: string, content: Content): void {
    this.tables.set(table, content);
  }

  get summary(): string {
    const rows = [...this.tables].map(([name, { rows: count, checksum }]) => [name, String(count), checksum.slice(0, 16)]);
    return asTable({
      columns: [
        { name: 'table', numeric: false },
        { name: 'rows', numeric: true },
        { name: 'checksum', numeric: false },
      ],
      rows,
    });
  }
}
