import { expect, test } from 'vitest';
import { fittedSettings } from './settings.ts';

const GB = 1024 ** 3;

test.for([
  { memory: 0.25 * GB, shared_buffers: '32MB', work_mem: '4MB' },
  { memory: 4 * GB, shared_buffers: '512MB', work_mem: '4MB' },
  { memory: 256 * GB, shared_buffers: '1024MB', work_mem: '32MB' },
])('memory settings fit a machine with $memory bytes', ({ memory, ...expected }) => {
  expect(fittedSettings(memory, 100 * GB)).toMatchObject(expected);
});

test("the journal's share of a small disk is small", () => {
  expect(fittedSettings(GB, 0.15 * GB).max_wal_size).toBe('64MB');
  expect(fittedSettings(GB, 1000 * GB).max_wal_size).toBe('1024MB');
});
