// The platform as `fondasi serve` runs it in production, with one module more; all settings but the places are defaults.
import type { AddressInfo } from 'node:net';
import { createApp, modules } from 'fondasi';
import { loadConfig } from '#config/config';
import { KeysService } from '#modules/auth/keys.service';
import { createLog } from '#platform/observability/logger';
import { reportTo, type Ready } from '../child.ts';
import { BenchModule } from './echo.module.ts';
import { ORGANIZATION, personIds } from './people.ts';

const TOKEN_SECONDS = 3_600;

const config = loadConfig(process.env);
const log = createLog(config);
const app = await createApp({ config, databaseUrl: config.DATABASE_URL!, log, modules: [...modules, BenchModule] });
await app.listen(0, '127.0.0.1');

// Signed as at a sign-in, for longer than the bench takes.
const keys = app.get(KeysService, { strict: false });
const tokens = personIds(Number(process.env.BENCH_PEOPLE)).map((personId) =>
  keys.sign(
    { id: personId, personId, organizationId: ORGANIZATION, authenticatedAt: new Date().toISOString() },
    ['member'],
    TOKEN_SECONDS,
  ),
);
const { port } = app.getHttpServer().address() as AddressInfo;
reportTo(process, { port, tokens } satisfies Ready, async () => {
  await app.close();
  await log.close();
});
