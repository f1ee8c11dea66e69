import { claim } from '../../src/platform/database/embedded/claim.ts';
import { startEmbedded } from '../../src/platform/database/embedded/server.ts';

// A process that holds an embedded server until it is killed or asked to stop: what tests need a second process for.
// Arguments: the data folder, and "claim" to count as an application. It prints `{origin, pid, url}`, or why it can't.
const [dataDir = '', role] = process.argv.slice(2);
const log = { info: console.error, warn: console.error, error: console.error };

try {
  const server = await startEmbedded({ dataDir, log });
  const mark = role === 'claim' ? await claim(server.url) : undefined;
  console.log(JSON.stringify({ origin: server.origin, pid: server.pid, url: server.url }));
  const alive = setInterval(() => undefined, 2 ** 30);
  process.once('SIGTERM', async () => {
    clearInterval(alive);
    await mark?.release();
    await server.stop();
  });
} catch (error) {
  console.log(
    JSON.stringify({ refused: (error as Error).name === 'StartError' ? (error as Error).message : (error as Error).stack }),
  );
  process.exitCode = 1;
}
