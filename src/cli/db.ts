import { loadConfig } from '#config/config';
import { startEmbedded } from '#platform/database/embedded/server';
import { StartError } from '#platform/start-error';
import { askedToStop, stderrLog } from './opened-database.ts';

const STATES = {
  started: 'runs',
  adopted: 'ran without an owner, and is looked after now',
  joined: 'ran already, and goes on after this',
};

/** The embedded database alone. Its first line on standard output says that connections are taken. */
export async function run(): Promise<number> {
  const { DATABASE_URL, DATA_DIR } = loadConfig();
  if (DATABASE_URL !== undefined) {
    throw new StartError('DATABASE_URL names a database of yours, so there is no embedded one to run: unset it, or start yours.');
  }
  const stopAsked = askedToStop();
  const server = await startEmbedded({ dataDir: DATA_DIR, log: stderrLog });
  process.stdout.write(
    `The database in ${server.directory} ${STATES[server.origin]}. "fondasi sql" opens a prompt on it; Ctrl-C ends this.\n`,
  );
  // Its watching alone would not keep the process alive.
  const alive = setInterval(() => undefined, 2 ** 30);
  await stopAsked;
  clearInterval(alive);
  await server.stop();
  return 0;
}
