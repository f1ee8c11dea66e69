// Thousands of WebSocket clients that count what they hear. Light, because they share the machine with what they measure.
import type { Socket } from 'node:net';
import { reportTo } from '../child.ts';
import { clientFrame, openWebSocket, type Place } from '../websocket.ts';

/** What a client hears and says before it only listens: it waits for a text that begins so, then says the next thing. */
export interface Step {
  readonly say?: string;
  readonly until?: string;
}

export interface Listening {
  readonly place: Place;
  readonly steps: readonly Step[];
}

export interface Heard {
  /** Messages, and bytes of their text, since the clients came. */
  readonly messages: number;
  readonly bytes: number;
  /** Connections that the server has closed. */
  readonly lost: number;
}

/** At once: a listen queue has an end. */
const AT_ONCE = 100;
const sockets: Socket[] = [];
let heard = { messages: 0, bytes: 0, lost: 0 };
let closing = false;

function listen({ place, steps }: Listening): Promise<void> {
  return new Promise((resolve, reject) => {
    let at = 0;
    const goOn = () => {
      const step = steps[at];
      if (step?.say !== undefined) socket.write(clientFrame(step.say));
      if (step?.until !== undefined) return;
      resolve();
    };
    const socket = openWebSocket(place, {
      onOpen: goOn,
      onText: (bytes, start, end) => {
        const until = steps[at]?.until;
        if (until === undefined) {
          heard.messages++;
          heard.bytes += end - start;
        } else if (bytes.toString('latin1', start, Math.min(end, start + until.length)) === until) {
          at++;
          goOn();
        } else reject(new Error(`A client heard ${bytes.toString('utf8', start, end)} instead of ${until}`));
      },
      onClose: (code, why) => {
        if (closing) return;
        heard.lost++;
        reject(new Error(`A connection was closed: ${code ?? why}`));
      },
    });
    sockets.push(socket);
  });
}

reportTo(process, {}, async () => {}, {
  listen: async (all: readonly Listening[]) => {
    for (let from = 0; from < all.length; from += AT_ONCE) await Promise.all(all.slice(from, from + AT_ONCE).map(listen));
    heard = { messages: 0, bytes: 0, lost: 0 };
    return all.length;
  },
  heard: () => heard satisfies Heard,
  leave: () => {
    closing = true;
    for (const socket of sockets) socket.destroy();
  },
});
