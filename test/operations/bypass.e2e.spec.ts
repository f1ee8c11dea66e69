import { Controller, Get, Module } from '@nestjs/common';
import { expect, test } from 'vitest';
import { signedIn } from '#platform/contract/access';
import { nothing, operation } from '#platform/contract/operation';
import { FondasiModule } from '#platform/operations/fondasi-module.decorator';
import { Operation } from '#platform/operations/operation.decorator';
import { StartError } from '#platform/start-error';
import { modules } from '../../src/app.module.ts';
import { startApp } from '../support/app.ts';

const order = operation({
  name: 'shop.order',
  summary: 'Order something',
  http: 'POST /shop/orders',
  access: signedIn(),
  input: {},
  output: nothing,
});

/** As a slip in copying makes them. */
const twin = (path: 'one' | 'other') =>
  operation({ name: 'twin.write', summary: 'Write', http: `POST /twin/${path}`, access: signedIn(), input: {}, output: nothing });
const twins = { one: twin('one'), other: twin('other') };

@Controller('side-door')
class SideDoorController {
  @Get()
  open() {
    return 'anybody';
  }
}
@Controller()
class StrayController {
  @Operation(order)
  order() {}
}

@Controller()
class TwinController {
  @Operation(twins.one)
  one() {}
  @Operation(twins.other)
  other() {}
}

@FondasiModule({ name: 'twin', summary: 'One name twice.', contract: twins, controllers: [TwinController] })
class TwinModule {}
@FondasiModule({ name: 'side', summary: 'A module of the product.', contract: {}, controllers: [SideDoorController] })
class SideModule {}
@Module({ controllers: [SideDoorController] })
class PlainModule {}
@Module({ controllers: [StrayController] })
class StrayModule {}

test.each([
  ['a route of Nest in a module of the product', SideModule, /^SideDoorController\.open is a plain Nest route/],
  ['a route of Nest in any other module', PlainModule, /^SideDoorController\.open is a plain Nest route/],
  [
    'an operation in no module of the product',
    StrayModule,
    /^StrayController\.order serves a contract, but its controller is in no/,
  ],
  ['two operations of one name', TwinModule, /^The contract of "twin" has two operations called "twin\.write"/],
])(
  'what would bypass the pipeline, or hide an operation, is refused at start, in one sentence: %s',
  async (_label, module, sentence) => {
    const error = await startApp({ modules: [...modules, module] }).then(
      () => undefined,
      (reason: Error) => reason,
    );
    expect(error).toBeInstanceOf(StartError);
    expect(error!.message).toMatch(sentence);
    expect(error!.message).not.toContain('\n');
  },
);
