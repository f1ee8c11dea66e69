import { v7 } from 'uuid';
import { pooledRandom } from './random-pool.ts';

/** A new UUIDv7: ids that are made later sort later, by the millisecond. */
export const newId = (): string => v7({ random: pooledRandom(16) });
