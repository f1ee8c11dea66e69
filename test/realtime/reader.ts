import { randomUUID } from 'node:crypto';
import type { BoundChannel, Sink, Subscription } from '#platform/realtime/bound-channel';
import type { Problem } from '#platform/contract/problem';
import { Operations } from '#platform/operations/operations';
import type { RunningApp } from '../support/app.ts';
import type { Person } from '../support/person.ts';

/** The bound channel of an app, as a transport has it. */
export function channelOf({ app }: RunningApp, name: string): BoundChannel {
  return app
    .get(Operations)
    .bind()
    .channels.find(({ contract }) => contract.name === name)!;
}

/** What a subscriber got: items, and where it was told to begin anew. */
export class Reader implements Sink {
  readonly items: any[] = [];
  readonly resets: string[] = [];
  ended: { problem: Problem | undefined } | undefined;
  cursor = '';
  subscription!: Subscription;

  deliver({ frames }: Parameters<Sink['deliver']>[0]) {
    for (const { item, cursor } of frames) {
      this.items.push(item);
      this.cursor = cursor;
    }
  }
  reset(cursor: string) {
    this.resets.push(cursor);
    this.cursor = cursor;
  }
  end(problem: Problem | undefined) {
    this.ended = { problem };
  }
}

/** Subscribes past any protocol. */
export async function follow(channel: BoundChannel, params: object, as: Person | undefined, after?: string): Promise<Reader> {
  const reader = new Reader();
  const subscription = await channel.subscribe({
    input: () => params,
    credentials: as ? { token: as.token } : {},
    origin: { requestId: randomUUID(), address: '127.0.0.1', transport: 'websocket' },
    unknownFields: 'refuse',
    after,
  });
  reader.subscription = subscription;
  reader.cursor = subscription.cursor;
  subscription.start(reader);
  return reader;
}
