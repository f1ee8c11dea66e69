import { Module } from '@nestjs/common';
import type { DynamicModule, FactoryProvider, OnApplicationShutdown } from '@nestjs/common';
import { Database } from './database.ts';
import { Databases } from './databases.ts';
import type { DatabaseOptions } from './options.ts';

/** Offers `Databases` everywhere and closes it last, when the requests are done. */
@Module({})
export class DatabaseModule implements OnApplicationShutdown {
  private readonly databases: Databases;

  constructor(databases: Databases) {
    this.databases = databases;
  }

  static forRoot(options: DatabaseOptions): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      providers: [{ provide: Databases, useFactory: () => new Databases(options) }],
      exports: [Databases],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.databases.close();
  }
}

/** The provider with which a module injects its own `Database` by class. */
export const databaseOf = (module: string): FactoryProvider => ({
  provide: Database,
  useFactory: (databases: Databases) => databases.of(module),
  inject: [Databases],
});
