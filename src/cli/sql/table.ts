import { screenWidth } from './width.ts';

/** Values as the server writes them; null is NULL. */
export type Rows = { columns: { name: string; numeric: boolean }[]; rows: (string | null)[][] };

/** Rows under a heading, numbers to the right: what `psql` shows. */
export function asTable({ columns, rows }: Rows): string {
  const cells = rows.map((row) => row.map(shown));
  const widths = columns.map(({ name }, at) =>
    cells.reduce((widest, row) => Math.max(widest, ...row[at]!.split('\n').map(screenWidth)), screenWidth(name)),
  );
  const lines = cells.flatMap((row) => {
    const parts = row.map((cell) => cell.split('\n'));
    const height = Math.max(1, ...parts.map((part) => part.length));
    return Array.from({ length: height }, (_, line) =>
      join(columns.map(({ numeric }, at) => pad(parts[at]![line] ?? '', widths[at]!, numeric))),
    );
  });
  const heading = join(columns.map(({ name }, at) => pad(name, widths[at]!, false)));
  return [heading, widths.map((width) => '-'.repeat(width + 2)).join('+'), ...lines, count(rows.length), ''].join('\n');
}

/** One column per line (`\x`): for rows that are wider than the screen. */
export function asRecords({ columns, rows }: Rows): string {
  const widest = Math.max(0, ...columns.map(({ name }) => screenWidth(name)));
  const records = rows.map((row, number) =>
    [
      `-[ ${number + 1} ]${'-'.repeat(20)}`,
      ...row.map(
        (cell, at) => `${pad(columns[at]!.name, widest, false)} | ${shown(cell).replaceAll('\n', `\n${' '.repeat(widest)} | `)}`,
      ),
    ].join('\n'),
  );
  return [...records, count(rows.length), ''].join('\n');
}

const count = (rows: number): string => `(${rows} ${rows === 1 ? 'row' : 'rows'})`;

const join = (cells: string[]): string => ` ${cells.join(' | ')}`.trimEnd();

/** Control characters would move the cursor, or worse: a stored value must not drive the operator's terminal. */
const shown = (cell: string | null): string =>
  cell?.replaceAll(/(?!\n)\p{Cc}/gu, (at) => `\\x${at.charCodeAt(0).toString(16).padStart(2, '0')}`) ?? 'NULL';

function pad(text: string, width: number, right: boolean): string {
  const space = ' '.repeat(Math.max(0, width - screenWidth(text)));
  return right ? space + text : text + space;
}
