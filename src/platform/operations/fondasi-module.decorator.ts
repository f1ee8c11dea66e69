import { Module, type ModuleMetadata } from '@nestjs/common';
import { Database } from '../database/database.ts';
import { Databases } from '../database/databases.ts';

/** A business capability: its contract, its code, its PostgreSQL schema. */
export interface FondasiModuleDefinition {
  /** Also the name of its schema and the first part of the names of its operations. */
  readonly name: string;
  /** `import * as contract from './contract.ts'` */
  readonly contract: object;
  /** Names of the modules that it calls. */
  readonly requires?: readonly string[];
  /** Folder of its SQL migrations; absent for a module without tables. */
  readonly migrations?: string;
}

const MODULE = Symbol('fondasi:module');

/** A Nest module that is a module of the product. Inside it, `Database` is the module's own database. */
export const FondasiModule = (definition: FondasiModuleDefinition & ModuleMetadata): ClassDecorator => {
  const { name, contract, requires = [], migrations, providers = [], ...metadata } = definition;
  return (target) => {
    Module({
      ...metadata,
      providers: [...providers, { provide: Database, useFactory: (databases: Databases) => databases.of(name), inject: [Databases] }],
    })(target);
    Reflect.defineMetadata(MODULE, { name, contract, requires, migrations }, target);
  };
};

export const fondasiModuleOf = (target: object): FondasiModuleDefinition | undefined => Reflect.getMetadata(MODULE, target);

/** The definitions of one kind that a contract exports. */
export const definitionsOf = <T extends { kind: string }>(contract: object, kind: T['kind']): T[] =>
  Object.values(contract).filter((value): value is T => value?.kind === kind);
