import { judge, median, type Result, rounded } from '../result.ts';
import type { Kernel } from './group.ts';
import type { StatementRounds } from './statements-process.ts';

/** `prepared()` beside a named statement of `pg`. */
export async function statementRow({ pace, start }: Kernel): Promise<Result[]> {
  const settings = { BENCH_ROUNDS: String(pace.rounds), BENCH_SECONDS: String(pace.seconds) };
  const process = await start<StatementRounds>('statements', 'kernel/statements-process', settings);
  const [ours, raw] = [median(process.ready.prepared), median(process.ready.named)];
  const reference = `pg named statement: ${rounded(raw)}/s; prepared(): ${rounded(ours)}/s`;
  return [judge('prepared(), 32 in flight', ours / raw, '×', reference, '≥ 0.9')];
}
