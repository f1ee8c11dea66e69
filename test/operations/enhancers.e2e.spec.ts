import {
  type ArgumentMetadata,
  type CallHandler,
  type CanActivate,
  Catch,
  Controller,
  type ExceptionFilter,
  type ExecutionContext,
  Injectable,
  Module,
  type NestInterceptor,
  type PipeTransform,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { map } from 'rxjs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { signedIn } from '#platform/contract/access';
import { type Input, operation } from '#platform/contract/operation';
import { problem, Problem } from '#platform/contract/problem';
import { schema } from '#platform/contract/schema';
import { Calls } from '#platform/operations/calls';
import { Caller } from '#platform/operations/caller';
import { OperationContext } from '#platform/operations/enhancers';
import { FondasiModule } from '#platform/operations/fondasi-module.decorator';
import { Operation } from '#platform/operations/operation.decorator';
import { AccessTokens } from '#platform/security/access-tokens';
import { modules } from '../../src/app.module.ts';
import { type RunningApp, startApp } from '../support/app.ts';
import { anonymous, newPerson, type Person } from '../support/person.ts';

const Teapot = problem('shop/teapot', 418, 'I am a teapot');
const Order = schema('Order', { text: z.string() });
const order = operation({
  name: 'shop.orders.make',
  summary: 'Order something',
  http: 'POST /shop/orders',
  access: signedIn(),
  input: { text: z.string().min(1) },
  output: Order,
  problems: [Teapot],
  retry: 'key',
});
const contract = { order, Teapot };

/** What ran, in order. */
let ran: string[] = [];
let contexts: ExecutionContext[] = [];
/** What the guards say, and what the handler throws. */
let says = { guard: true, throws: undefined as Error | undefined };

/** What belongs to the whole application meets the operations of the other modules, too. */
const isOthers = (context: ExecutionContext) => (context as OperationContext).contract !== order;

function guard(name: string) {
  @Injectable()
  class NamedGuard implements CanActivate {
    canActivate(context: ExecutionContext) {
      if (isOthers(context)) return true;
      ran.push(`guard ${name}`);
      contexts.push(context);
      return says.guard;
    }
  }
  return NamedGuard;
}
function pipe(name: string) {
  @Injectable()
  class NamedPipe implements PipeTransform {
    transform(input: { text: string }, _metadata: ArgumentMetadata) {
      if (Object.keys(input).join() !== 'text') return input;
      ran.push(`pipe ${name}`);
      return { text: `${input.text}+${name}` };
    }
  }
  return NamedPipe;
}
function interceptor(name: string) {
  @Injectable()
  class NamedInterceptor implements NestInterceptor {
    intercept(context: ExecutionContext, next: CallHandler) {
      if (isOthers(context)) return next.handle();
      ran.push(`before ${name}`);
      return next.handle().pipe(
        map((answer: { text: string }) => {
          ran.push(`after ${name}`);
          return { text: `${answer.text}<${name}`, undeclared: 'secret' };
        }),
      );
    }
  }
  return NamedInterceptor;
}
class Spilled extends Error {}
class Broken extends Error {}
@Catch(Spilled)
class SpillFilter implements ExceptionFilter {
  catch() {
    ran.push('filter class');
    return { text: 'wiped up', undeclared: 'secret' };
  }
}
@Catch(Broken)
class BrokenFilter implements ExceptionFilter {
  catch() {
    ran.push('filter app');
    throw new Problem(Teapot);
  }
}

@Controller()
@UseGuards(guard('class'))
@UsePipes(pipe('class'))
@UseInterceptors(interceptor('class'))
@UseFilters(SpillFilter)
class OrdersController {
  @Operation(order)
  @UseGuards(guard('method'))
  @UsePipes(pipe('method'))
  @UseInterceptors(interceptor('method'))
  make({ text }: Input<typeof order>) {
    ran.push('handler');
    if (says.throws) throw says.throws;
    return { text };
  }
}

@FondasiModule({
  name: 'shop',
  summary: 'A product of its own.',
  contract,
  migrations: `${import.meta.dirname}/shop-migrations`,
  controllers: [OrdersController],
})
class ShopModule {}

@Module({
  providers: [
    { provide: APP_GUARD, useClass: guard('app') },
    { provide: APP_PIPE, useClass: pipe('app') },
    { provide: APP_INTERCEPTOR, useClass: interceptor('app') },
    { provide: APP_FILTER, useClass: BrokenFilter },
  ],
})
class EnhancersModule {}

let app: RunningApp;
let ann: Person;
beforeAll(async () => {
  app = await startApp({ modules: [...modules, ShopModule, EnhancersModule] });
  ann = await newPerson(app, 'Ann');
});
afterAll(() => app.close());
beforeEach(() => {
  says = { guard: true, throws: undefined };
  ran = [];
  contexts = [];
});

const GUARDS = ['guard app', 'guard class', 'guard method'];
const ALL = [
  ...GUARDS,
  'pipe app',
  'pipe class',
  'pipe method',
  'before app',
  'before class',
  'before method',
  'handler',
  'after method',
  'after class',
  'after app',
];
const ANSWER = { text: 'tea+app+class+method<method<class<app' };

interface Way {
  readonly name: string;
  call(text: string): Promise<{ code?: string; answer?: unknown }>;
}

const WAYS: readonly Way[] = [
  {
    name: 'over REST',
    async call(text) {
      const { status, body } = await ann.post('/shop/orders', { text });
      return status < 400 ? { answer: body } : { code: body.code };
    },
  },
  {
    name: 'from another module',
    async call(text) {
      const principal = app.app.get(AccessTokens).verify(ann.token);
      const caller = new Caller(
        'person',
        { requestId: 'r', address: 'internal', transport: 'call' },
        Date.now() + 10_000,
        principal,
      );
      try {
        return { answer: await app.app.get(Calls).client(contract).order({ text }, caller) };
      } catch (error) {
        return { code: error instanceof Problem ? error.definition.code : (error as Error).name };
      }
    },
  },
];

describe.each(WAYS)("a customer's own enhancers $name", ({ name, call }) => {
  test('run in the documented order, and what they add leaves only when it is declared', async () => {
    expect(await call('tea')).toEqual({ answer: ANSWER });
    expect(ran).toEqual(ALL);
  });

  test('a guard that says no: nothing behind it runs, and wrong input is not told', async () => {
    says.guard = false;
    const { code } = await call('');
    expect(code).toBe(name === 'over REST' ? 'platform/forbidden' : 'ForbiddenException');
    expect(ran).toEqual(['guard app']);
  });

  test('wrong input gets past the guards, not to the pipes', async () => {
    expect(await call('')).toEqual({ code: 'platform/invalid-input' });
    expect(ran).toEqual(GUARDS);
  });

  test('a filter answers for what is thrown, in the declared shape, or throws a problem in its place', async () => {
    says.throws = new Spilled();
    expect(await call('tea')).toEqual({ answer: { text: 'wiped up' } });
    expect(ran.at(-1)).toBe('filter class');
    says.throws = new Broken();
    expect(await call('tea')).toEqual({ code: 'shop/teapot' });
    expect(ran.at(-1)).toBe('filter app');
  });

  test('see an operation: its contract, its caller, its class and method', async () => {
    await call('tea');
    const context = contexts[0] as OperationContext;
    expect(context.getType()).toBe('operation');
    expect(context.contract).toBe(order);
    expect(context.caller.personId).toBe(ann.id);
    expect([context.getClass(), context.getHandler().name]).toEqual([OrdersController, 'make']);
    expect(context.getArgs()[1]).toBe(context.caller);
    expect(() => context.switchToRpc()).toThrow('no RPC context');
    expect(() => context.switchToWs()).toThrow('no WebSocket context');
  });
});

test('over REST switchToHttp() gives the real request; elsewhere it throws', async () => {
  await WAYS[0]!.call('tea');
  const http = contexts[0]!.switchToHttp();
  expect(http.getRequest().raw.url).toBe('/shop/orders');
  expect(http.getResponse().raw.statusCode).toBe(200);
  contexts = [];
  await WAYS[1]!.call('tea');
  expect(() => contexts[0]!.switchToHttp()).toThrow(/no HTTP request/);
});

test('who may not call never meets a guard', async () => {
  const { body } = await anonymous(app).post('/shop/orders', { text: 'tea' });
  expect(body.code).toBe('platform/unauthenticated');
  expect(ran).toEqual([]);
});

test('a repeated Idempotency-Key is guarded again, and the handler left alone', async () => {
  const headers = { 'idempotency-key': 'one' };
  const first = await ann.post('/shop/orders', { text: 'tea' }, headers);
  ran = [];
  const second = await ann.post('/shop/orders', { text: 'tea' }, headers);
  expect(second.body).toEqual(first.body);
  expect(ran).toEqual([...GUARDS, 'pipe app', 'pipe class', 'pipe method']);
});
