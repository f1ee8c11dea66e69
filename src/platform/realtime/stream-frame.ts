import type { EventDefinition } from '../contract/event.ts';
import { cursorText } from './cursor.ts';
import type { Frame } from './frame.ts';

/** A frame with what the hub needs to know of it. */
export class StreamFrame implements Frame {
  readonly seq: number;
  readonly cursor: string;
  readonly item: unknown;
  /** Name of the event. */
  readonly event: string;
  readonly personId: string | undefined;
  /** When this process learnt of it, in milliseconds of a clock that only goes on. */
  readonly since: number;
  private text: string | undefined;

  constructor(epoch: string, entry: WireEntry, since: number) {
    const [seq, event, personId, item] = entry;
    this.seq = seq;
    this.cursor = cursorText({ epoch, seq });
    this.item = item;
    this.event = event;
    this.personId = personId ?? undefined;
    this.since = since;
  }

  get json(): string {
    return (this.text ??= JSON.stringify(this.item));
  }
}

/** An entry as it goes from process to process: its number, the event's name, whom it is about, the item in its declared shape. */
export type WireEntry = readonly [seq: number, event: string, personId: string | null, item: unknown];

/** The name of an event of `revokedBy`, looked up for each frame. */
export const namesOf = (events: readonly EventDefinition[]): ReadonlySet<string> => new Set(events.map(({ name }) => name));
