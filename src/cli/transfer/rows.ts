import { hash } from 'node:crypto';
import type { Client } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { copyOut, type Table } from './catalog.ts';

const NEWLINE = 10;

/** A table's content as a number of rows and a checksum, whatever order the rows come in. */
export type Content = { rows: number; checksum: string };

/**
 * Adds up the rows' SHA-256 lane by lane: the order of the rows doesn't matter (it changes with every copy), each row and how
 * often it is there does.
 */
export class ContentSum {
  #rows = 0;
  readonly #lanes = new Uint32Array(8);

  add(row: Uint8Array): void {
    const digest = hash('sha256', row, 'buffer');
    for (let lane = 0; lane < 8; lane++) this.#lanes[lane]! += digest.readUInt32LE(lane * 4);
    this.#rows++;
  }

  get content(): Content {
    return { rows: this.#rows, checksum: Buffer.from(this.#lanes.buffer).toString('hex') };
  }
}

/** Cuts a stream of bytes into lines; what is not yet a whole line waits for the next piece. */
export class LineCutter {
  #begun: Buffer[] = [];

  *lines(piece: Buffer): Generator<Buffer> {
    let from = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, from)) {
      const tail = piece.subarray(from, end);
      yield this.#begun.length === 0 ? tail : Buffer.concat([...this.#begun, tail]);
      this.#begun = [];
      from = end + 1;
    }
    if (from < piece.length) this.#begun.push(piece.subarray(from));
  }

  /** Bytes after the last newline. */
  get unfinished(): boolean {
    return this.#begun.length > 0;
  }
}

/** The table's rows in COPY's text format: a line each, line breaks within escaped. Returns what they add up to. */
export async function* copyRows(client: Client, table: Table): AsyncGenerator<Buffer, Content> {
  const sum = new ContentSum();
  const cutter = new LineCutter();
  for await (const piece of client.query(copyTo(copyOut(table))) as AsyncIterable<Buffer>) {
    for (const row of cutter.lines(piece)) sum.add(row);
    yield piece;
  }
  return sum.content;
}
