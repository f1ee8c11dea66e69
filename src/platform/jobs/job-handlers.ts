import { Injectable, SetMetadata } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import type { z } from 'zod';
import type { BoundJob, JobDefinition, JobHandler } from './job.ts';

const jobMetadata = 'fondasi:job';

/** Marks the method of a provider that does a job. The compiler checks its payload against the definition. */
export const Job =
  <S extends z.ZodType>(definition: JobDefinition<S>) =>
  <M extends JobHandler<z.output<S>>>(target: object, method: string | symbol, descriptor: TypedPropertyDescriptor<M>): void => {
    SetMetadata(jobMetadata, definition)(target, method, descriptor);
  };

type Methods = Record<string, JobHandler<unknown>>;

/** Finds the `@Job` methods of every provider in the application. */
@Injectable()
export class JobHandlers {
  private readonly discovery: DiscoveryService;
  private readonly scanner: MetadataScanner;

  constructor(discovery: DiscoveryService, scanner: MetadataScanner) {
    this.discovery = discovery;
    this.scanner = scanner;
  }

  find(): BoundJob[] {
    const found = new Map<string, BoundJob>();
    for (const { instance } of this.discovery.getProviders() as { instance: Methods | null }[]) {
      if (!instance || typeof instance !== 'object') continue;
      for (const name of this.scanner.getAllMethodNames(Object.getPrototypeOf(instance) as object)) {
        const method = instance[name];
        const definition = method && (Reflect.getMetadata(jobMetadata, method) as JobDefinition | undefined);
        if (!definition) continue;
        if (found.has(definition.name)) throw new Error(`The job "${definition.name}" has two handlers.`);
        found.set(definition.name, { definition, handle: (payload, run) => method.call(instance, payload, run) });
      }
    }
    return [...found.values()];
  }
}
