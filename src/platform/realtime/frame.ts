/** One item of a stream, with the cursor behind which a client goes on that has got it. */
export interface Frame {
  readonly cursor: string;
  /** By the channel's schema; an undeclared field is not in it. */
  readonly item: unknown;
  /** The item as JSON text; made once, whoever asks. */
  readonly json: string;
}

/** How a protocol writes frames. One constant per protocol: what it makes of a batch is kept under it. */
export interface Encoding<T> {
  encode(frames: readonly Frame[], stream: string): T;
}

/** Frames that follow one another. Shared by all who get them, so that each protocol writes them once. */
export class Batch {
  readonly stream: string;
  readonly frames: readonly Frame[];
  private readonly written = new Map<Encoding<unknown>, unknown>();

  constructor(stream: string, frames: readonly Frame[]) {
    this.stream = stream;
    this.frames = frames;
  }

  as<T>(encoding: Encoding<T>): T {
    let made = this.written.get(encoding) as T | undefined;
    if (made === undefined) this.written.set(encoding, (made = encoding.encode(this.frames, this.stream)));
    return made;
  }
}
