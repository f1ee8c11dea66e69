/** One thing that goes wrong, so many milliseconds after the beginning of a round. */
export type Fault =
  | { readonly at: number; readonly what: 'drop'; /** Which of the readers. */ readonly reader: number; readonly away: number }
  | { readonly at: number; readonly what: 'kill'; /** Which of the processes. */ readonly process: number }
  | { readonly at: number; readonly what: 'redis'; readonly how: 'cut' | 'swallow'; readonly away: number }
  | { readonly at: number; readonly what: 'listeners' };

/**
 * What goes wrong in a round: readers are dropped all the time, every process is killed once, Redis goes away in both of
 * its ways, and the connections to the database that listen are cut.
 */
export function storm(random: () => number, milliseconds: number, readers: number, processes: number): Fault[] {
  const faults: Fault[] = [];
  const somewhere = () => random() * milliseconds * 0.9;
  for (let at = 0; at < milliseconds; at += 40 + random() * 160)
    faults.push({ at, what: 'drop', reader: Math.floor(random() * readers), away: random() ** 3 * 2_500 });
  for (let process = 0; process < processes; process++)
    // One after the other: a product of which nothing runs serves nobody.
    faults.push({ at: ((process + random() * 0.6) * milliseconds * 0.8) / processes, what: 'kill', process });
  for (const how of ['cut', 'swallow'] as const)
    faults.push({ at: somewhere(), what: 'redis', how, away: 300 + random() * 2_000 });
  faults.push({ at: somewhere(), what: 'listeners' });
  return faults.toSorted((one, other) => one.at - other.at);
}
