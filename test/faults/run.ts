import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { faultRounds } from './rounds.ts';
import { chatWriter } from './chat-writer.ts';
import { ledgerWriter } from './writer.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    writes: { type: 'string', default: '200' },
    /** `platform`: messages posted to the whole platform; `ledger`: rows through the smallest application. */
    app: { type: 'string', default: 'platform' },
  },
});

const folder = await mkdtemp(join(tmpdir(), 'fondasi-faults-'));
const seed = Number(values.seed);
process.stdout.write(`seed ${seed}\nround  killed    acknowledged  under way  failed  back after  all found\n`);
let number = 0;
for await (const round of faultRounds({
  writer: values.app === 'ledger' ? ledgerWriter : chatWriter(),
  dataDir: join(folder, 'data'),
  journal: join(folder, 'journal'),
  rounds: Number(values.rounds),
  seed,
  leastWrites: Number(values.writes),
})) {
  const { target, acknowledged, unacknowledged, failed, recoveredMs, total } = round;
  const cells = [String(++number).padStart(5), target.padEnd(8), String(acknowledged).padStart(12)];
  cells.push(
    String(unacknowledged).padStart(9),
    String(failed).padStart(6),
    `${recoveredMs} ms`.padStart(10),
    String(total).padStart(9),
  );
  process.stdout.write(`${cells.join('  ')}\n`);
}
await rm(folder, { recursive: true, force: true });
process.stdout.write(`${number} rounds, nothing acknowledged was lost\n`);
