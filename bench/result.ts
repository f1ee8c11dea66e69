/** One figure, as `--json` gives it. */
export interface Result {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What it was measured against in the same run, with that one's own figure. */
  readonly reference: string;
  /** What `value` has to be, such as `≥ 0.7`. */
  readonly bar: string;
  readonly holds: boolean;
}

const COMPARISONS = {
  '≥': (value: number, bar: number) => value >= bar,
  '≤': (value: number, bar: number) => value <= bar,
};

export type Bar = `${keyof typeof COMPARISONS} ${number}`;

/** A figure beside its bar. It is judged as it was measured and rounded afterwards. */
export function judge(name: string, value: number, unit: string, reference: string, bar: Bar): Result {
  const [comparison, figure] = bar.split(' ') as [keyof typeof COMPARISONS, string];
  const holds = Number.isFinite(value) && COMPARISONS[comparison](value, Number(figure));
  return { name, value: rounded(value), unit, reference, bar, holds };
}

/** Three digits that say something. */
export const rounded = (value: number): number => Number(value.toPrecision(3));

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** For people. */
export function tableOf(results: readonly Result[]): string {
  const rows = results.map(({ name, value, unit, bar, holds, reference }) => [
    name,
    `${value} ${unit}`,
    bar,
    holds ? 'holds' : 'MISSED',
    reference,
  ]);
  const lines = [['what', 'measured', 'bar', '', 'against'], ...rows];
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
