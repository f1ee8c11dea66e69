import { reportTo } from '../child.ts';
import { startProduct } from '../product/fondasi.ts';
import { BenchRoomModule, Talk } from './room.module.ts';
import { type Pattern, talk } from './talk.ts';

const { app, ready, stop } = await startProduct([BenchRoomModule]);
const voices = app.get(Talk, { strict: false });
reportTo(process, ready, stop, {
  talk: (pattern: Pattern) => talk(pattern, Number(process.env.BENCH_ROOMS), (room) => voices.say(String(room))),
});
