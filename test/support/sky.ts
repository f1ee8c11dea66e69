import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { signedIn } from '#platform/contract/access';
import { channel, type ItemOf } from '#platform/contract/channel';
import { event } from '#platform/contract/event';
import { type Input, operation } from '#platform/contract/operation';
import { int64, schema } from '#platform/contract/schema';
import { FondasiModule } from '#platform/operations/fondasi-module.decorator';
import { Operation } from '#platform/operations/operation.decorator';
import { Channel, type ChannelHandler, type Entry } from '#platform/realtime/channel-handler';
import { Channels } from '#platform/realtime/channels';
import { moduleWith } from './database.ts';

/** A star that somebody saw: all that this module knows. */
const Sighting = schema('Sighting', { number: int64(), star: z.string(), hue: z.enum(['blue', 'red']) });

const reportStar = operation({
  name: 'sky.report',
  summary: 'Tell of a star',
  http: 'POST /sky',
  access: signedIn(),
  input: { star: z.string().min(1).max(50), hue: z.enum(['blue', 'red']) },
  output: Sighting,
  agent: true,
});
const StarSeen = event({ name: 'sky.star-seen', version: 1, key: 'star', data: { star: z.string() } });
const stars = channel({
  name: 'sky.stars',
  summary: 'Stars that are seen',
  http: 'GET /sky/stars',
  access: signedIn(),
  params: {},
  item: Sighting,
  events: [StarSeen],
});
export const sky = { reportStar, stars, Sighting };

/** What was seen, in memory. */
const seen: Entry<typeof stars>[] = [];

@Channel(stars)
class StarsChannel implements ChannelHandler<typeof stars> {
  authorize() {
    return 'all';
  }
  async heads(keys: readonly string[]) {
    return keys.map((key) => ({ key, seq: String(seen.length) }));
  }
  async readAfter(_key: string, seq: string, limit: number) {
    return seen.slice(Number(seq), Number(seq) + limit);
  }
}

@Controller()
class SkyController {
  constructor(private readonly channels: Channels) {}

  @Operation(reportStar)
  report({ star, hue }: Input<typeof reportStar>): ItemOf<typeof stars> {
    const seq = String(seen.length + 1);
    const item = { number: seq, star, hue };
    seen.push({ seq, event: StarSeen, item });
    this.channels.publish(stars, [{ key: 'all', entries: seen.slice(-1) }]);
    return item;
  }
}

/** A customer's own module: one operation, one channel. */
export async function skyModule() {
  const { migrations } = await moduleWith('sky', { '0001_nothing.sql': 'create table nothing (id int);' });
  @FondasiModule({
    name: 'sky',
    summary: 'Stars.',
    contract: sky,
    migrations,
    controllers: [SkyController],
    providers: [StarsChannel],
  })
  class SkyModule {}
  return SkyModule;
}
