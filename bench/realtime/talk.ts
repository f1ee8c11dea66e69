/** How much is said, and how often. */
export interface Pattern {
  readonly ticks: number;
  readonly everyMs: number;
  /** Rooms of one tick; each tick has the next ones. */
  readonly rooms: number;
  /** Messages of each of these rooms in one turn of the event loop. */
  readonly messages: number;
}

/** Runs inside of the servers that are measured; each says things in its own way. */
export function talk(
  { ticks, everyMs, rooms, messages }: Pattern,
  roomCount: number,
  say: (room: number) => void,
): Promise<void> {
  return new Promise((resolve) => {
    let tick = 0;
    const timer = setInterval(() => {
      for (let index = 0; index < rooms; index++)
        for (let message = 0; message < messages; message++) say((tick * rooms + index) % roomCount);
      if (++tick < ticks) return;
      clearInterval(timer);
      resolve();
    }, everyMs);
  });
}
