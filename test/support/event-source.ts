import type { RunningApp } from './app.ts';
import type { Person } from './person.ts';

/** One server-sent event; `data` is the JSON in it. */
export interface ServerEvent {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: any;
}

/** A reader of server-sent events over fetch, as the HTML standard has it, that keeps all that it reads. */
export class EventReader {
  readonly heard: ServerEvent[] = [];
  /** All that came, comments included. */
  text = '';
  /** The id to come back with. */
  lastEventId = '';
  retry: number | undefined;
  ended = false;
  readonly reply: Response;
  private readonly control: AbortController;
  private readonly waiting = new Set<() => void>();

  private constructor(reply: Response, control: AbortController) {
    this.reply = reply;
    this.control = control;
    void this.read();
  }

  static async open(
    { url }: Pick<RunningApp, 'url'>,
    path: string,
    person?: Person,
    headers: Record<string, string> = {},
  ): Promise<EventReader> {
    const control = new AbortController();
    const reply = await fetch(url + path, {
      headers: {
        accept: 'text/event-stream',
        ...(person && { 'x-forwarded-for': person.address, authorization: `Bearer ${person.token}` }),
        ...headers,
      },
      signal: control.signal,
    });
    return new EventReader(reply, control);
  }

  close(): void {
    this.control.abort();
  }

  /** The first event that `fits`; fails when the stream ends before. */
  hears(fits: (event: ServerEvent) => boolean): Promise<ServerEvent> {
    return this.until(() => this.heard.find(fits));
  }

  /** Waits until there is an answer. */
  until<T>(look: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const check = () => {
        const found = look();
        if (found === undefined && !this.ended) return;
        this.waiting.delete(check);
        if (found === undefined) reject(new Error(`The stream ended; heard was ${this.text}`));
        else resolve(found);
      };
      this.waiting.add(check);
      check();
    });
  }

  /** Waits until the server ends the stream. */
  end(): Promise<true> {
    return this.until(() => (this.ended ? true : undefined));
  }

  private async read() {
    const decoder = new TextDecoder();
    let rest = '';
    try {
      for await (const chunk of this.reply.body!) {
        const text = decoder.decode(chunk, { stream: true });
        this.text += text;
        const blocks = (rest + text).split('\n\n');
        rest = blocks.pop()!;
        blocks.forEach((block) => this.take(block));
        this.waiting.forEach((check) => check());
      }
    } catch {
      // Closed by this side, or cut.
    }
    this.ended = true;
    this.waiting.forEach((check) => check());
  }

  private take(block: string) {
    const fields = block.split('\n').map((line) => line.split(/: ?([^]*)/, 2) as [string, string]);
    const field = (name: string) => fields.find(([key]) => key === name)?.[1];
    if (field('retry') !== undefined) this.retry = Number(field('retry'));
    if (field('id') !== undefined) this.lastEventId = field('id')!;
    const data = field('data');
    if (data !== undefined) this.heard.push({ event: field('event') ?? 'message', id: field('id'), data: JSON.parse(data) });
  }
}
