import type { Group, TestBed } from '../group.ts';
import type { ServerProcess } from '../server-process.ts';
import { graphqlListRow, graphqlObjectRow, MESSAGES } from './graphql.ts';
import { grpcRows } from './grpc.ts';
import { writeMessages } from '../product/messages.ts';
import { websocketRow } from './websocket.ts';

/** What the rows share. */
export interface Protocols extends TestBed {
  readonly fondasi: ServerProcess;
}

/** What the same operation costs over each protocol. */
export const protocols: Group<Protocols> = {
  prepare: async (bed) => {
    const fondasi = await bed.startFondasi({ GRPC_PORT: '0', HOST: '127.0.0.1', WS_CONNECTIONS_PER_ADDRESS: '1000000' });
    await writeMessages(bed.databaseUrl, MESSAGES);
    return { ...bed, fondasi };
  },
  rows: { object: graphqlObjectRow, list: graphqlListRow, grpc: grpcRows, websocket: websocketRow },
};
