import type { Metric, Registry } from 'prom-client';

interface Tally {
  readonly labels: Readonly<Record<string, string>>;
  /** Of each bucket alone, the last one without an upper bound. */
  readonly counts: number[];
  sum: number;
}

/** Adds one duration, in seconds. */
export type Observe = (seconds: number) => void;

/**
 * A histogram that prom-client exports and that is cheap to fill: who observes holds its own tally, so that nothing is looked up
 * by labels on the path of a request (0.02 µs instead of 0.32, twice per request).
 */
export class Durations {
  readonly #name: string;
  readonly #help: string;
  readonly #bounds: readonly number[];
  readonly #tallies: Tally[] = [];

  constructor({ name, help, bounds, registry }: { name: string; help: string; bounds: readonly number[]; registry: Registry }) {
    this.#name = name;
    this.#help = help;
    this.#bounds = bounds;
    // All that a registry asks of a metric; prom-client's types know its own classes only.
    registry.registerMetric({ name, get: () => this.#read() } as unknown as Metric);
  }

  /** Call once for each set of labels. */
  labelled(labels: Readonly<Record<string, string>>): Observe {
    const bounds = this.#bounds;
    const tally: Tally = { labels, counts: Array.from({ length: bounds.length + 1 }, () => 0), sum: 0 };
    this.#tallies.push(tally);
    return (seconds) => {
      let bucket = 0;
      while (bucket < bounds.length && seconds > bounds[bucket]!) bucket++;
      tally.counts[bucket]!++;
      tally.sum += seconds;
    };
  }

  #read() {
    const values = this.#tallies.flatMap(({ labels, counts, sum }) => {
      let below = 0;
      const buckets = counts.map((count, index) => {
        below += count;
        return { metricName: `${this.#name}_bucket`, labels: { le: this.#bounds[index] ?? '+Inf', ...labels }, value: below };
      });
      if (below === 0) return [];
      const totals = { sum, count: below };
      return [
        ...buckets,
        ...Object.entries(totals).map(([name, value]) => ({ metricName: `${this.#name}_${name}`, labels, value })),
      ];
    });
    return { name: this.#name, help: this.#help, type: 'histogram', aggregator: 'sum', values };
  }
}
