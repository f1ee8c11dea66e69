import type { AddressInfo } from 'node:net';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { type Config, loadConfig } from '#config/config';
import { claim } from '#platform/database/embedded/claim';
import { startEmbedded } from '#platform/database/embedded/server';
import { createLog, type ProcessLog } from '#platform/observability/logger';
import { Health } from '#platform/observability/health';
import { Metrics } from '#platform/observability/metrics';
import { serveMetrics } from '#platform/observability/metrics-server';
import { startTracing } from '#platform/observability/tracing';
import { StartError } from '#platform/start-error';
import { type StartNotice, StartNotices } from '#platform/start-notices';
import { GrpcEndpoint } from '#platform/transports/grpc/grpc-endpoint';
import { modules } from '../app.module.ts';
import { createApp } from '../app.ts';
import { askedToStop } from './opened-database.ts';

/** How long requests that are running may take to end after a signal. */
const DRAIN_MS = 10_000;

/** Runs the platform until it is asked to stop. `--production` is `NODE_ENV=production`. */
export async function run(args: string[]): Promise<number> {
  const config = loadConfig(args.includes('--production') ? { ...process.env, NODE_ENV: 'production' } : process.env);
  const log = createLog(config);
  // SIGHUP reopens a log file, for whoever rotates it.
  const stopAsked = askedToStop(config.LOG_FILE ? ['SIGINT', 'SIGTERM'] : undefined);
  const stopTracing = await startTracing(config);
  const database = await openDatabase(config, log);
  try {
    // The embedded database refuses a second application.
    const alone = config.DATABASE_URL === undefined;
    if (!alone && config.PUBLIC_URL === undefined)
      log.logger.warn(
        'PUBLIC_URL is not set: tokens of this process name its own port as their issuer, and other processes refuse them.',
      );
    const app = await createApp({ config, databaseUrl: database.url, log, modules, alone });
    let metricsServer: Awaited<ReturnType<typeof serveMetrics>> | undefined;
    try {
      const url = await listen(app, config);
      const grpcPort = await app.get(GrpcEndpoint).listen();
      const metricsPort = config.METRICS_PORT;
      if (metricsPort !== undefined) metricsServer = await serveMetrics(app.get(Metrics), config.HOST, metricsPort);
      announce(config, [
        { label: 'Fondasi', text: url },
        ...(config.API_DOCS ? [{ label: 'API', text: `${url}/api-docs` }] : []),
        ...(config.GRAPHQL ? [{ label: 'GraphQL', text: `${url}/graphql` }] : []),
        ...(grpcPort === undefined ? [] : [{ label: 'gRPC', text: `${shownHost(config)}:${grpcPort}` }]),
        { label: 'Data', text: database.description },
        ...(await app.get(StartNotices).collect(url)),
      ]);
      await Promise.race([stopAsked, database.lost]);
    } finally {
      await close(app);
      await metricsServer?.close();
    }
  } finally {
    await database.close();
    await stopTracing();
    await log.close();
  }
  return 0;
}

interface OpenDatabase {
  readonly url: string;
  readonly description: string;
  /** Rejects when another application has taken the database over. */
  readonly lost: Promise<never>;
  close(): Promise<void>;
}

async function openDatabase(config: Config, log: ProcessLog): Promise<OpenDatabase> {
  if (config.DATABASE_URL !== undefined) {
    const { hostname, pathname } = new URL(config.DATABASE_URL);
    return {
      url: config.DATABASE_URL,
      description: `${hostname}${pathname}`,
      lost: new Promise(() => {}),
      close: async () => {},
    };
  }
  const say = (level: 'info' | 'warn' | 'error') => (message: string) => log.logger[level](`database: ${message}`);
  const server = await startEmbedded({
    dataDir: config.DATA_DIR,
    log: { info: say('info'), warn: say('warn'), error: say('error') },
  });
  try {
    const claimed = await claim(server.url);
    return {
      url: server.url,
      description: server.directory,
      lost: claimed.lost.then(() => {
        throw new StartError('Another Fondasi has taken over the data while the database was away: this one stops.');
      }),
      close: async () => {
        await claimed.release();
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function listen(app: NestFastifyApplication, config: Config): Promise<string> {
  const { HOST, PORT, TLS_CERT_FILE } = config;
  try {
    await app.listen(PORT, HOST);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') throw new StartError(`Port ${PORT} is in use: stop what uses it, or set PORT to another one.`);
    if (code === 'EACCES') throw new StartError(`Port ${PORT} takes more rights than this user has: set PORT to 1024 or above.`);
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
      throw new StartError(`${HOST} is no address of this machine: set HOST to one that is, such as 127.0.0.1 or 0.0.0.0.`);
    throw error;
  }
  const { port } = app.getHttpServer().address() as AddressInfo;
  return `${TLS_CERT_FILE ? 'https' : 'http'}://${shownHost(config)}:${port}`;
}

/** What people type. */
const shownHost = ({ HOST }: Config) => (['127.0.0.1', '0.0.0.0', '::', '::1'].includes(HOST) ? 'localhost' : HOST);

/** For people, or as lines for machines where standard output is a log of such; whatever level is logged. */
function announce({ LOG_FORMAT, LOG_FILE }: Config, notices: readonly StartNotice[]) {
  if (LOG_FORMAT === 'json' && LOG_FILE === undefined) {
    const at = new Date().toISOString();
    for (const { label, text } of notices) {
      const line = { 'log.level': 'info', '@timestamp': at, message: `${label} ${text}` };
      process.stdout.write(`${JSON.stringify(line)}\n`);
    }
    return;
  }
  const width = Math.max(...notices.map(({ label }) => label.length));
  process.stdout.write(`\n${notices.map(({ label, text }) => `  ${label.padEnd(width)}  ${text}`).join('\n')}\n\n`);
}

/** No new requests, the running ones to their end, then whatever still holds on is cut off. */
async function close(app: NestFastifyApplication): Promise<void> {
  app.get(Health).drain();
  const server = app.getHttpServer();
  const force = setTimeout(() => server.closeAllConnections?.(), DRAIN_MS);
  // A connection whose last request has just been answered would be kept for the next one.
  const idle = setInterval(() => server.closeIdleConnections?.(), 50);
  await app.close();
  clearInterval(idle);
  clearTimeout(force);
}
