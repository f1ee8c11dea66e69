import { StartError } from '#platform/start-error';
import { FORMAT, type Closing, type Manifest } from './dump.ts';
import { LineCutter, type Content } from './rows.ts';

const END_OF_ROWS = Buffer.from('\\.');
const PIECE = 64 * 1024;

/** Reads what `dump` wrote, in its order: manifest, then per table `nextTable`, `rows` to their end, `content`; then `closing`. */
export class Archive {
  readonly #lines: AsyncGenerator<Buffer>;

  constructor(source: AsyncIterable<Buffer>) {
    this.#lines = linesOf(source);
  }

  async manifest(): Promise<Manifest> {
    const manifest = await this.#json<Manifest>();
    if (typeof manifest.fondasi !== 'number')
      throw new StartError('The file is not an export of Fondasi: give the file that "fondasi export" wrote.');
    if (manifest.fondasi > FORMAT) {
      throw new StartError(
        `The file was written by Fondasi ${manifest.version}, which is newer than this one: import it with that version.`,
      );
    }
    return manifest;
  }

  async nextTable(): Promise<string> {
    return (await this.#json<{ table: string }>()).table;
  }

  /** The rows as they can be sent to COPY, in pieces of many. */
  async *rows(): AsyncGenerator<Buffer> {
    const newline = Buffer.from('\n');
    let piece: Buffer[] = [];
    let size = 0;
    for (let row = await this.#line(); !row.equals(END_OF_ROWS); row = await this.#line()) {
      piece.push(row, newline);
      size += row.length + 1;
      if (size < PIECE) continue;
      yield Buffer.concat(piece, size);
      piece = [];
      size = 0;
    }
    if (size > 0) yield Buffer.concat(piece, size);
  }

  content(): Promise<Content> {
    return this.#json<Content>();
  }

  async closing(): Promise<Closing> {
    const closing = await this.#json<Closing>();
    if (closing.end !== true) throw damaged();
    return closing;
  }

  async #line(): Promise<Buffer> {
    try {
      const { value, done } = await this.#lines.next();
      if (!done) return value;
    } catch (error) {
      if (!/^Z_|ERR_STREAM_PREMATURE/.test((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
    throw damaged();
  }

  async #json<T>(): Promise<T> {
    try {
      return JSON.parse((await this.#line()).toString()) as T;
    } catch (error) {
      throw error instanceof SyntaxError ? damaged() : error;
    }
  }
}

const damaged = (): StartError => new StartError('The file is damaged or not complete: export again, or copy the file again.');

async function* linesOf(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const cutter = new LineCutter();
  for await (const piece of source) yield* cutter.lines(piece);
  if (cutter.unfinished) throw damaged();
}
