/** Lets so much work in at a time; the rest waits in its order. */
export class Gate {
  private readonly most: number;
  private inside = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(most: number) {
    this.most = most;
  }

  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.inside >= this.most) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.inside++;
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      // The place goes on to whoever waits: nobody slips in between.
      if (next) next();
      else this.inside--;
    }
  }
}
