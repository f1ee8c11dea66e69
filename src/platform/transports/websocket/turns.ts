/** What comes in a crowd, some in each turn of the event loop and in the order of its coming, so that others get theirs in between. */
export class Turns {
  private readonly each: number;
  private waiting: (() => void)[] = [];
  private used = 0;
  private running = false;

  constructor(each: number) {
    this.each = each;
  }

  /** Undefined where it is one's turn at once. */
  next(): Promise<void> | undefined {
    if (!this.running) {
      this.running = true;
      setImmediate(() => this.turn());
    }
    if (this.used < this.each && this.waiting.length === 0) return void this.used++;
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private turn() {
    const now = this.waiting.splice(0, this.each);
    this.used = now.length;
    this.running = this.used > 0;
    for (const go of now) go();
    if (this.running) setImmediate(() => this.turn());
  }
}
