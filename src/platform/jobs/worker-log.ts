import { Logger } from 'graphile-worker';

export type WorkerLog = (level: 'error' | 'warning' | 'info' | 'debug', message: string) => void;

/** graphile-worker's log lines, handed to `log`. */
export const workerLogger = (log: WorkerLog): Logger =>
  new Logger(() => (level, message) => log(level as Parameters<WorkerLog>[0], message));

/** Says nothing: what goes wrong is thrown as well. */
export const quietLogger = workerLogger(() => undefined);
