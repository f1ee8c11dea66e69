import { closeSync, mkdirSync, openSync, write as writeFile, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { StartError } from '#platform/start-error';

/** How long a line may wait in memory before it is written. */
const FLUSH_MS = 500;
const CHUNK_BYTES = 65_536;
/** What can't be written (a full disk) waits up to here, then lines are dropped: the log must not take the process down. */
const MOST_CHUNKS_WAITING = 128;

/** Where finished lines go: standard output or a file, buffered. */
export interface LogFile {
  write: (line: string) => void;
  /** Writes what waits now, in the last moments of a process. */
  flushSync: () => void;
  close: () => Promise<void>;
}

/**
 * Opens the log. A file is opened anew on SIGHUP, for log rotation. sonic-boom, which pino brings, isn't used: on a full disk
 * its `flushSync` never returns, so that the process couldn't end; and this costs a third of the CPU per line.
 * @throws StartError when the file can't be opened.
 */
export function openLogFile(path: string | undefined): LogFile {
  let fd = path === undefined ? 1 : openNow(path);
  let filling = Buffer.allocUnsafe(CHUNK_BYTES);
  let filled = 0;
  const full: Buffer[] = [];
  let writing: Buffer | undefined;
  let written: (() => void) | undefined;
  let reported: string | undefined;
  let closed = false;

  const timer = setInterval(flush, FLUSH_MS);
  timer.unref();
  process.on('exit', flushSync);
  if (path !== undefined) process.on('SIGHUP', reopen);

  function write(line: string): void {
    const most = line.length * 3;
    if (filled + most > CHUNK_BYTES) seal();
    if (most > CHUNK_BYTES) full.push(Buffer.from(line));
    else filled += filling.write(line, filled);
    if (full.length > 0) flush();
  }

  function seal(): void {
    if (filled > 0 && full.length < MOST_CHUNKS_WAITING) full.push(filling.subarray(0, filled));
    filling = Buffer.allocUnsafe(CHUNK_BYTES);
    filled = 0;
  }

  function flush(): void {
    if (writing !== undefined) return;
    if (full.length === 0) seal();
    writing = full.shift();
    if (writing !== undefined) writeFile(fd, writing, 0, writing.length, null, onWritten);
  }

  function onWritten(error: NodeJS.ErrnoException | null, bytes: number): void {
    const rest = writing!.subarray(error ? 0 : bytes);
    writing = undefined;
    settle();
    if (rest.length > 0 && error?.code !== 'EPIPE') full.unshift(rest);
    if (error) failed(error);
    else if (!closed) flush();
  }

  function settle(): void {
    const done = written;
    written = undefined;
    done?.();
  }

  /** It is tried again by the timer. */
  function failed(error: NodeJS.ErrnoException): void {
    if (error.code === 'EPIPE' || error.code === 'EAGAIN' || error.code === reported) return;
    reported = error.code;
    process.stderr.write(`The log can't be written (${error.code}): make room or give access to ${path ?? 'standard output'}.\n`);
  }

  /** A chunk that is being written is written again: better twice than not at all. */
  function flushSync(): void {
    seal();
    for (const chunk of [...(writing ? [writing] : []), ...full.splice(0)]) {
      try {
        for (let at = 0; at < chunk.length;) at += writeSync(fd, chunk, at);
      } catch {
        return;
      }
    }
  }

  /** What is being written goes to the end of the old file, the rest to the new one. */
  function reopen(): void {
    try {
      const old = fd;
      fd = openNow(path!);
      if (writing === undefined) closeSync(old);
      else written = () => closeSync(old);
    } catch (error) {
      process.stderr.write(`${(error as Error).message}\n`);
    }
  }

  async function close(): Promise<void> {
    closed = true;
    clearInterval(timer);
    process.off('exit', flushSync);
    process.off('SIGHUP', reopen);
    if (writing !== undefined) await new Promise<void>((resolve) => (written = resolve));
    flushSync();
    if (path !== undefined) closeSync(fd);
  }

  return { write, flushSync, close };
}

/** At once, not when the first line comes: a wrong path is a wrong setting. */
function openNow(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true });
    return openSync(path, 'a', 0o640);
  } catch (error) {
    throw new StartError(
      `LOG_FILE ${path} can't be opened (${(error as NodeJS.ErrnoException).code}): set it to a file that this user may write.`,
    );
  }
}
