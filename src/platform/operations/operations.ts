import { Injectable, Logger } from '@nestjs/common';
import { METHOD_METADATA } from '@nestjs/common/constants.js';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import type { ChannelDefinition } from '../contract/channel.ts';
import type { OperationDefinition } from '../contract/operation.ts';
import type { RawRouteDefinition } from '../contract/raw-route.ts';
import { Databases } from '../database/databases.ts';
import { StartError } from '../start-error.ts';
import { ChannelBinding } from '../realtime/binding.ts';
import type { BoundChannel } from '../realtime/bound-channel.ts';
import { type ChannelHandler, channelOf } from '../realtime/channel-handler.ts';
import type { BoundOperation } from './bound-operation.ts';
import { Calls } from './calls.ts';
import { Enhancers } from './enhancers.ts';
import { definitionsOf, type FondasiModuleDefinition, fondasiModuleOf } from './fondasi-module.decorator.ts';
import { operationOf, rawRouteOf } from './operation.decorator.ts';
import { type BoundRawRoute, Pipeline } from './pipeline.ts';

type Method = (...args: any[]) => any;

/** Everything that this process serves. Transports mount what is here and know nothing else. */
export interface Served {
  readonly modules: readonly FondasiModuleDefinition[];
  readonly operations: readonly BoundOperation[];
  readonly rawRoutes: readonly BoundRawRoute[];
  readonly channels: readonly BoundChannel[];
}

/** Finds the handlers of every module and puts the pipeline around them. */
@Injectable()
export class Operations {
  private readonly logger = new Logger(Operations.name);

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly enhancers: Enhancers,
    private readonly pipeline: Pipeline,
    private readonly databases: Databases,
    private readonly calls: Calls,
    private readonly channels: ChannelBinding,
  ) {}

  /**
   * @throws Error when a contract and its handlers don't match
   * @throws StartError when a controller would answer past the pipeline
   */
  bind(): Served {
    const modules: FondasiModuleDefinition[] = [];
    const operations: BoundOperation[] = [];
    const rawRoutes: BoundRawRoute[] = [];
    for (const wrapper of this.discovery.getControllers()) {
      const host = wrapper.host!;
      const module = fondasiModuleOf(host.metatype);
      if (!wrapper.instance) continue;
      const methods = this.methodsOf(wrapper.instance);
      for (const method of methods) refuseBypass(`${wrapper.name}.${method.name}`, method, module);
      if (!module) continue;
      if (!modules.includes(module)) modules.push(module);
      for (const method of methods) {
        const enhancers = this.enhancers.around(wrapper.instance, method, host.token);
        const handler = method.bind(wrapper.instance);
        const operation = operationOf(method);
        const rawRoute = rawRouteOf(method);
        if (operation)
          operations.push(
            this.pipeline.bind({ contract: operation, handler, enhancers, database: this.databases.of(module.name) }),
          );
        if (rawRoute) rawRoutes.push(this.pipeline.bindRaw(rawRoute, handler));
      }
    }
    const channels = this.bindChannels();
    for (const module of modules) checkComplete(module, operations, rawRoutes, channels);
    for (const operation of operations) this.calls.add(operation);
    this.logger.log(`${operations.length} operations of ${modules.length} modules`);
    return { modules, operations, rawRoutes, channels };
  }

  private bindChannels(): BoundChannel[] {
    return this.discovery.getProviders().flatMap((wrapper) => {
      const contract = wrapper.metatype && channelOf(wrapper.metatype);
      if (!contract || !wrapper.instance) return [];
      const host = wrapper.host!;
      const module = fondasiModuleOf(host.metatype);
      if (!module) throw new StartError(`${wrapper.name} serves a channel, but is in no @FondasiModule: move it into one.`);
      if (!module.migrations)
        throw new StartError(
          `${wrapper.name} serves a channel, whose numbers come from a database: give "${module.name}" migrations.`,
        );
      const handler = wrapper.instance as ChannelHandler<ChannelDefinition>;
      const enhancers = this.enhancers.around(handler, handler.authorize, host.token);
      return [this.channels.bind({ contract, handler, enhancers, database: this.databases.of(module.name) })];
    });
  }

  private methodsOf(instance: object): Method[] {
    const prototype = Object.getPrototypeOf(instance);
    return this.scanner.getAllMethodNames(prototype).map((name) => prototype[name] as Method);
  }
}

/** A route of Nest's own would have no access rule, no limit, no validation; a handler outside a module no contract. */
function refuseBypass(name: string, method: Method, module: FondasiModuleDefinition | undefined) {
  if (Reflect.hasMetadata(METHOD_METADATA, method))
    throw new StartError(
      `${name} is a plain Nest route, which would bypass access rules, limits and validation: declare an operation or a raw route in a contract and serve it with @Operation or @RawRoute.`,
    );
  if (!module && (operationOf(method) ?? rawRouteOf(method)))
    throw new StartError(`${name} serves a contract, but its controller is in no @FondasiModule: move it into one.`);
}

type Definition = OperationDefinition | RawRouteDefinition | ChannelDefinition;

function checkComplete(
  module: FondasiModuleDefinition,
  operations: readonly BoundOperation[],
  rawRoutes: readonly BoundRawRoute[],
  channels: readonly BoundChannel[],
) {
  const declared: Definition[] = [
    ...definitionsOf<OperationDefinition>(module.contract, 'operation'),
    ...definitionsOf<RawRouteDefinition>(module.contract, 'rawRoute'),
    ...definitionsOf<ChannelDefinition>(module.contract, 'channel'),
  ];
  const served = [...operations, ...rawRoutes, ...channels].map(({ contract }) => contract as Definition);
  for (const { name } of declared)
    if (declared.filter((each) => each.name === name && each.kind !== 'channel').length > 1)
      throw new StartError(`The contract of "${module.name}" has two operations called "${name}": a name is unique.`);
  for (const definition of declared) {
    const handlers = served.filter((contract) => contract === definition).length;
    if (handlers !== 1)
      throw new Error(`${definition.name} has ${handlers} handlers in the module "${module.name}"; it needs one`);
    if (!definition.name.startsWith(`${module.name}.`))
      throw new Error(`${definition.name} does not belong to the module "${module.name}"`);
  }
  for (const contract of served)
    if (contract.name.startsWith(`${module.name}.`) && !declared.includes(contract))
      throw new Error(`${contract.name} is served, but the contract of "${module.name}" does not export it`);
}
