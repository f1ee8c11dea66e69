import {
  type ArgumentMetadata,
  type CanActivate,
  type ExecutionContext,
  ForbiddenException,
  Injectable,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { ExternalExceptionFilterContext } from '@nestjs/core/exceptions/external-exception-filter-context.js';
import { GuardsContextCreator } from '@nestjs/core/guards/guards-context-creator.js';
import { InterceptorsContextCreator } from '@nestjs/core/interceptors/interceptors-context-creator.js';
import { PipesContextCreator } from '@nestjs/core/pipes/pipes-context-creator.js';
import { defer, from, isObservable, lastValueFrom, mergeAll, type Observable } from 'rxjs';
import type { ChannelDefinition } from '../contract/channel.ts';
import type { OperationDefinition } from '../contract/operation.ts';
import type { Caller } from './caller.ts';

/**
 * What a customer's guard, pipe, interceptor or filter sees of an operation, whatever the protocol. Guards see
 * subscriptions too: `getType()` is `channel` then, and the input are the channel's params.
 */
export class OperationContext<
  C extends OperationDefinition | ChannelDefinition = OperationDefinition,
> implements ExecutionContext {
  readonly contract: C;
  readonly caller: Caller;
  input: object;
  private readonly host: Host;

  constructor(host: Host, contract: C, input: object, caller: Caller) {
    this.host = host;
    this.contract = contract;
    this.input = input;
    this.caller = caller;
  }

  getType<T extends string = string>(): T {
    return this.contract.kind as T;
  }
  getClass<T = any>() {
    return this.host.instance.constructor as new (...args: any[]) => T;
  }
  getHandler() {
    return this.host.method;
  }
  getArgs<T extends any[] = any[]>(): T {
    return [this.input, this.caller] as unknown as T;
  }
  getArgByIndex<T = any>(index: number): T {
    return this.getArgs()[index];
  }
  /** Fastify's request and reply. Over any other protocol there are none, and this throws. */
  switchToHttp() {
    const { native, transport } = this.caller.origin;
    if (!native) throw new Error(`an operation over "${transport}" has no HTTP request`);
    return {
      getRequest: <T>() => native.request as T,
      getResponse: <T>() => native.reply as T,
      getNext: <T>(): T => {
        throw new Error('an operation has no next()');
      },
    };
  }
  switchToRpc(): never {
    throw new Error('an operation is no RPC context; read contract, input and caller from it');
  }
  switchToWs(): never {
    throw new Error('an operation is no WebSocket context; read contract, input and caller from it');
  }
}

interface Host {
  readonly instance: object;
  readonly method: (...args: any[]) => unknown;
}

/**
 * Nest's own enhancers (global ones and `@UseGuards()` and its like on class and method) around a handler. The
 * pipeline says when each kind runs. Nest's creators resolve the instances; its `ExternalContextCreator` is not
 * used, because it fixes the order and skips guards on the class of a controller.
 */
@Injectable()
export class Enhancers {
  private readonly container: any;
  private readonly config: ApplicationConfig;

  constructor(modules: ModulesContainer, config: ApplicationConfig) {
    this.container = { getModules: () => modules };
    this.config = config;
  }

  /** Undefined where a handler has none, so that it costs nothing. `moduleKey` is Nest's token of the module. */
  around(instance: object, method: Host['method'], moduleKey: string): HandlerEnhancers | undefined {
    const of = (creator: { create(instance: any, method: any, moduleKey: string): any }) =>
      creator.create(instance, method, moduleKey);
    const guards: CanActivate[] = of(new GuardsContextCreator(this.container, this.config));
    const pipes: PipeTransform[] = of(new PipesContextCreator(this.container, this.config));
    const interceptors: NestInterceptor[] = of(new InterceptorsContextCreator(this.container, this.config));
    const filters: Filters = of(new ExternalExceptionFilterContext(this.container, this.config));
    if (guards.length + pipes.length + interceptors.length + filters.filters.length === 0) return undefined;
    return new HandlerEnhancers({ instance, method }, guards, pipes, interceptors, filters);
  }
}

type Filters = { filters: unknown[]; invokeCustomFilters(error: unknown, host: ExecutionContext): Promise<unknown> | undefined };

export class HandlerEnhancers {
  private readonly host: Host;
  private readonly guards: CanActivate[];
  private readonly pipes: PipeTransform[];
  private readonly interceptors: NestInterceptor[];
  private readonly filters: Filters;

  constructor(host: Host, guards: CanActivate[], pipes: PipeTransform[], interceptors: NestInterceptor[], filters: Filters) {
    this.host = host;
    this.guards = guards;
    this.pipes = pipes;
    this.interceptors = interceptors;
    this.filters = filters;
  }

  context<C extends OperationDefinition | ChannelDefinition>(contract: C, input: object, caller: Caller) {
    return new OperationContext(this.host, contract, input, caller);
  }

  /** @throws ForbiddenException when a guard says no */
  async guard(context: OperationContext<any>): Promise<void> {
    for (const guard of this.guards) {
      const answer = await guard.canActivate(context);
      if (!(isObservable(answer) ? await lastValueFrom(answer) : answer)) throw new ForbiddenException();
    }
  }

  async pipe(context: OperationContext): Promise<void> {
    const metadata: ArgumentMetadata = { type: 'body', metatype: Object };
    for (const pipe of this.pipes) context.input = await pipe.transform(context.input, metadata);
  }

  intercept(context: OperationContext, handler: () => Promise<unknown>): Promise<unknown> {
    if (this.interceptors.length === 0) return handler();
    const next = (index: number): Observable<unknown> =>
      index === this.interceptors.length
        ? defer(handler)
        : from(
            Promise.resolve(this.interceptors[index]!.intercept(context, { handle: () => defer(() => next(index + 1)) })),
          ).pipe(mergeAll());
    return lastValueFrom(next(0), { defaultValue: undefined });
  }

  /** What a filter makes of an error: an answer, another error, or undefined where none caught it. */
  async filter(context: OperationContext, error: unknown): Promise<unknown> {
    return this.filters.invokeCustomFilters(error, context);
  }
}
