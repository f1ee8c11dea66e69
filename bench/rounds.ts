import { load, type LoadResult, type Script } from './load.ts';
import { median } from './result.ts';
import type { ServerProcess } from './server-process.ts';

/** How long a bench takes its time. */
export interface Pace {
  /** Whether it only shows that the rows work: fewer clients, figures that are none. */
  readonly short: boolean;
  readonly rounds: number;
  readonly seconds: number;
  /** Minutes of the memory row; below 10 its figure is no figure. */
  readonly minutes: number;
}

/** A server and who sends it something. */
export interface Side {
  readonly server: ServerProcess<any>;
  /** Sends for so many seconds; `awake`, as for {@link load}. */
  readonly load: (seconds: number, awake: boolean) => Promise<LoadResult>;
}

/** A server to which `scripts` go over HTTP. */
export const overHttp = (server: ServerProcess, scripts: readonly Script[]): Side => ({
  server,
  load: (seconds, awake) => load(server.ready.port, scripts, seconds, awake),
});

/** Medians over the rounds. */
export interface Measured {
  readonly perSecond: number;
  /** Microseconds of the server's CPU, user and system, all threads. */
  readonly cpuPerRequest: number;
}

/**
 * Interleaved rounds (A B C, A B C, …) with one warm-up, so that whatever else the machine does falls on all sides alike.
 * @throws when a server refused anything: work that was not done must not count
 */
export async function interleaved<K extends string>(
  sides: Record<K, Side>,
  pace: Pace,
  awake = false,
): Promise<Record<K, Measured>> {
  const names = Object.keys(sides) as K[];
  const rounds = new Map<K, Measured[]>(names.map((name) => [name, []]));
  for (let number = 0; number <= pace.rounds; number++)
    for (const name of names) {
      const measured = await round(sides[name], pace.seconds, awake);
      if (number > 0) rounds.get(name)!.push(measured);
    }
  return Object.fromEntries(
    names.map((name) => [
      name,
      {
        perSecond: median(rounds.get(name)!.map(({ perSecond }) => perSecond)),
        cpuPerRequest: median(rounds.get(name)!.map(({ cpuPerRequest }) => cpuPerRequest)),
      },
    ]),
  ) as Record<K, Measured>;
}

async function round({ server, load: send }: Side, seconds: number, awake: boolean): Promise<Measured> {
  const before = await server.ask('usage');
  const { requests, refused, seconds: took } = await send(seconds, awake);
  const after = await server.ask('usage');
  refuseRefusals(server.name, refused);
  return { perSecond: requests / took, cpuPerRequest: (after.cpu - before.cpu) / requests };
}

export function refuseRefusals(server: string, refused: ReadonlyMap<number, number>): void {
  const told = [...refused].map(([status, count]) => `${count} × ${status}`);
  if (told.length > 0) throw new Error(`The round is void: ${server} answered ${told.join(', ')}.`);
}
