import type { Input, OperationDefinition, Output } from '../contract/operation.ts';
import type { RawRouteDefinition } from '../contract/raw-route.ts';
import type { Caller } from './caller.ts';

const OPERATION = Symbol('fondasi:operation');
const RAW_ROUTE = Symbol('fondasi:raw-route');

/** What a method must look like to serve the contract. An operation that answers `nothing` may return nothing. */
export type Handler<C extends OperationDefinition<any, any>> = (
  input: Input<C>,
  caller: Caller,
) => HandlerResult<C> | Promise<HandlerResult<C>>;

type HandlerResult<C extends OperationDefinition<any, any>> = string extends keyof Output<C> ? void : Output<C>;

/** The method serves the operation, in every protocol. The compiler checks it against the contract. */
export const Operation =
  <C extends OperationDefinition<any, any>>(contract: C) =>
  <T extends Handler<C>>(_target: object, _key: string | symbol, descriptor: TypedPropertyDescriptor<T>): void => {
    Reflect.defineMetadata(OPERATION, contract, descriptor.value!);
  };

/**
 * The method serves a raw route: it gets Fastify's request and reply, and the caller. HTTP only. Access rule and limits hold as for
 * any operation; a customer's guards, pipes, interceptors and filters do not, because there is no input and no output to speak of.
 */
export const RawRoute =
  (contract: RawRouteDefinition) =>
  <T extends (request: any, reply: any, caller: Caller) => unknown>(
    _target: object,
    _key: string | symbol,
    descriptor: TypedPropertyDescriptor<T>,
  ): void => {
    Reflect.defineMetadata(RAW_ROUTE, contract, descriptor.value!);
  };

export const operationOf = (method: object): OperationDefinition | undefined => Reflect.getMetadata(OPERATION, method);
export const rawRouteOf = (method: object): RawRouteDefinition | undefined => Reflect.getMetadata(RAW_ROUTE, method);
