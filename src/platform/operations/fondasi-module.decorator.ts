import { Module, type ModuleMetadata } from '@nestjs/common';
import { databaseOf } from '../database/database.module.ts';

export { definitionsOf } from '../contract/definitions.ts';

/** A business capability: its contract, its code, its PostgreSQL schema. */
export interface FondasiModuleDefinition {
  /** Also the name of its schema and the first part of the names of its operations. */
  readonly name: string;
  /** What it is for, in one sentence. */
  readonly summary: string;
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
  const { name, summary, contract, requires = [], migrations, providers = [], ...metadata } = definition;
  return (target) => {
    Module({
      ...metadata,
      providers: [...providers, databaseOf(name)],
    })(target);
    Reflect.defineMetadata(MODULE, { name, summary, contract, requires, migrations }, target);
  };
};

export const fondasiModuleOf = (target: object): FondasiModuleDefinition | undefined => Reflect.getMetadata(MODULE, target);
