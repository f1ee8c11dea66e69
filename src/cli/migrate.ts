import { type Config, loadConfig } from '#config/config';
import { migrateAll } from '#platform/database/migrations';
import { createLog } from '#platform/observability/logger';
import { modules } from '../app.module.ts';
import { chooseModules, databaseOptions, schemasOf } from '../app.ts';
import { openDatabase } from './opened-database.ts';

/** Brings the database's schemas up to date without starting the platform. */
export async function run(): Promise<number> {
  const database = await openDatabase();
  try {
    const applied = await migrate(database.url, loadConfig());
    process.stdout.write(applied.length === 0 ? 'Nothing to migrate.\n' : `${applied.join('\n')}\n`);
    return 0;
  } finally {
    await database.close();
  }
}

/** The migrations of the platform and of every module that the settings name. Returns what was applied. */
export async function migrate(url: string, config: Config): Promise<string[]> {
  const log = createLog(config);
  try {
    const schemas = schemasOf(chooseModules(modules, config.MODULES));
    return await migrateAll({ database: databaseOptions(config, url, log), modules: schemas });
  } finally {
    await log.close();
  }
}
