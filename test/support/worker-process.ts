import { appendFile } from 'node:fs/promises';
import { z } from 'zod';
import { JobRunner } from '#platform/jobs/job-runner';
import type { JobRunnerOptions } from '#platform/jobs/job-runner';

/** A process that runs the jobs of the module `notes`, to be killed by a test. Writes a line per job to a file. */
const { database, file, hang, heartbeat } = JSON.parse(process.argv[2]!) as Pick<JobRunnerOptions, 'database' | 'heartbeat'> & {
  file: string;
  hang: boolean;
};
const runner = new JobRunner({
  database,
  heartbeat,
  pollInterval: 200,
  jobs: [
    {
      definition: { name: 'notes.work', payload: z.object({ id: z.number() }) },
      handle: async (payload, { attempt }) => {
        await appendFile(file, `${process.pid} ${(payload as { id: number }).id} ${attempt}\n`);
        if (hang) await new Promise(() => undefined);
      },
    },
  ],
});
await runner.start();
process.on('SIGTERM', () => void runner.stop());
