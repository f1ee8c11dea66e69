import { type CanActivate, type ExecutionContext, Injectable, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OperationContext } from '#platform/operations/enhancers';
import { modules } from '../../src/app.module.ts';
import { type RunningApp, startApp } from '../support/app.ts';
import { newPerson } from '../support/person.ts';
import { channelOf, follow } from './reader.ts';
import { roomOf } from './room.ts';

const seen: unknown[] = [];
let closed: string | undefined;

/** A customer's own: nobody may follow a room that is closed for the night. */
@Injectable()
class NightGuard implements CanActivate {
  canActivate(context: ExecutionContext) {
    if (context.getType<string>() !== 'channel') return true;
    const { contract, input, caller } = context as OperationContext<any>;
    seen.push([contract.name, input, caller.personId]);
    return (input as { roomId?: string }).roomId !== closed;
  }
}

@Module({ providers: [{ provide: APP_GUARD, useClass: NightGuard }] })
class NightModule {}

let app: RunningApp;
beforeAll(async () => {
  app = await startApp({ modules: [...modules, NightModule] });
});
afterAll(() => app.close());

test("a customer's guard sees subscriptions, after access and before anything is looked up", async () => {
  const ann = await newPerson(app, 'Ann');
  const roomId = await roomOf(ann);
  const room = channelOf(app, 'chat.room');
  await expect(follow(room, { roomId }, undefined)).rejects.toMatchObject({ definition: { code: 'platform/unauthenticated' } });
  expect(seen).toEqual([]);
  (await follow(room, { roomId }, ann)).subscription.close();
  expect(seen).toEqual([['chat.room', { roomId }, ann.id]]);
  closed = roomId;
  await expect(follow(room, { roomId }, ann)).rejects.toMatchObject({ status: 403 });
});
