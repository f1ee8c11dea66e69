// The platform as `fondasi serve` runs it in production, with more modules; all settings but the places are defaults.
import type { AddressInfo } from 'node:net';
import type { Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createApp, modules } from 'fondasi';
import { loadConfig } from '#config/config';
import { KeysService } from '#modules/auth/keys.service';
import { createLog } from '#platform/observability/logger';
import { GrpcEndpoint } from '#platform/transports/grpc/grpc-endpoint';
import type { Ready } from '../child.ts';
import { ORGANIZATION, personIds } from './people.ts';

const TOKEN_SECONDS = 3_600;

export interface Running {
  readonly app: NestFastifyApplication;
  readonly ready: Ready;
  stop(): Promise<void>;
}

export async function startProduct(more: readonly Type[]): Promise<Running> {
  const config = loadConfig(process.env);
  const log = createLog(config);
  // The only process on its database, like the one on an embedded one.
  const app = await createApp({ config, databaseUrl: config.DATABASE_URL!, log, modules: [...modules, ...more], alone: true });
  await app.listen(config.PORT, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  const stop = async () => {
    await app.close();
    await log.close();
  };
  const grpcPort = await app.get(GrpcEndpoint).listen();
  return { app, ready: { port, grpcPort, tokens: tokensOf(app) }, stop };
}

/** Signed as at a sign-in, for longer than the bench takes. */
function tokensOf(app: NestFastifyApplication): string[] {
  const keys = app.get(KeysService, { strict: false });
  return personIds(Number(process.env.BENCH_PEOPLE)).map((personId) =>
    keys.sign(
      { id: personId, personId, organizationId: ORGANIZATION, authenticatedAt: new Date().toISOString() },
      ['member'],
      TOKEN_SECONDS,
    ),
  );
}
