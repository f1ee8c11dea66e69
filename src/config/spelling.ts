/** The known name within `slips` edits of `name`, one for a short one; undefined when it is known or like none. */
export function nearMiss(name: string, known: readonly string[], slips: number): string | undefined {
  if (known.includes(name)) return undefined;
  return known.find((candidate) => {
    const allowed = candidate.length < 8 ? Math.min(slips, 1) : slips;
    return Math.abs(candidate.length - name.length) <= allowed && distance(name, candidate) <= allowed;
  });
}

/** Edits that turn `a` into `b`: insert, delete, replace, or swap of two neighbours (optimal string alignment). */
function distance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = last[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1);
      let best = Math.min(replaced, last[column]! + 1, current[column - 1]! + 1);
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) best = Math.min(best, beforeLast[column - 2]! + 1);
      current.push(best);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length]!;
}
