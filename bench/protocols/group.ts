import type { Group, TestBed } from '../group.ts';
import type { ServerProcess } from '../server-process.ts';
import { websocketRow } from './websocket.ts';

/** What the rows share. */
export interface Protocols extends TestBed {
  readonly fondasi: ServerProcess;
}

/** What the same operation costs over each protocol. */
export const protocols: Group<Protocols> = {
  prepare: async (bed) => ({
    ...bed,
    fondasi: await bed.startFondasi({ WS_MESSAGE_RATE: '1000000' }),
  }),
  rows: { websocket: websocketRow },
};
