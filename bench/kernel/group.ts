import type { Group, TestBed } from '../group.ts';
import type { ServerProcess } from '../server-process.ts';
import { memoryRow } from './memory.ts';
import { messageRow } from './messages.ts';
import { operationRows } from './operation.ts';
import { rowRow } from './row.ts';
import { statementRow } from './statements.ts';

/** What the rows share. */
export interface Kernel extends TestBed {
  readonly fondasi: ServerProcess;
  readonly fastify: ServerProcess;
}

/** What an operation costs over REST, and what stands behind it. */
export const kernel: Group<Kernel> = {
  prepare: async (bed) => ({
    ...bed,
    fondasi: await bed.startFondasi(),
    fastify: await bed.start('Fastify', 'kernel/fastify-server'),
  }),
  rows: { operation: operationRows, row: rowRow, prepared: statementRow, messages: messageRow, memory: memoryRow },
};
