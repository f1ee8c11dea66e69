import type { Group, TestBed } from '../group.ts';
import { deliveryRows } from './delivery.ts';
import { memoryRows } from './memory.ts';
import { resumeRow } from './resume.ts';

/** Each row has servers of its own. */
export type Realtime = TestBed;

/** What it costs to tell many people. */
export const realtime: Group<Realtime> = {
  prepare: async (bed) => bed,
  rows: { delivery: deliveryRows, memory: memoryRows, resume: resumeRow },
};
