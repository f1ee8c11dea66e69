import type { Usage } from '../child.ts';
import { dealt, load, type Script } from '../load.ts';
import { judge, type Result } from '../result.ts';
import { refuseRefusals } from '../rounds.ts';
import type { Kernel } from './group.ts';
import { messageRequests, newClientIds, profileRequests, userRequests } from '../product/requests.ts';

const CONNECTIONS = 32;
/** The figure is the one after ten minutes; a shorter run only shows that the row works. */
const MINUTES = 10;

const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MB`;

/** What a process grows by after its first minute: profiles, rows and messages, as fast as they are answered. */
export async function memoryRow({ pace, fondasi }: Kernel): Promise<Result[]> {
  const { tokens } = fondasi.ready;
  const vary = newClientIds();
  const scripts: Script[] = [
    ...dealt(profileRequests(tokens), CONNECTIONS / 2),
    ...dealt(userRequests(tokens), CONNECTIONS / 4),
    ...dealt(messageRequests(tokens), CONNECTIONS / 4, vary),
  ];
  const minute = async (seconds: number): Promise<Usage> => {
    const { refused } = await load(fondasi.ready.port, scripts, seconds);
    refuseRefusals(fondasi.name, refused);
    return fondasi.ask('usage after garbage collection');
  };
  const short = pace.minutes < MINUTES;
  const seconds = short ? (pace.minutes * 60) / MINUTES : 60;
  const first = await minute(seconds);
  let last = first;
  for (let number = 2; number <= MINUTES; number++) last = await minute(seconds);

  const result = (what: string, key: 'rss' | 'heap') => {
    const reference = `${megabytes(first[key])} after the first minute, ${megabytes(last[key])} after the tenth`;
    const name = `memory: growth of the ${what}${short ? ` (a minute of ${seconds} s: no figure)` : ''}`;
    return judge(name, (last[key] / first[key] - 1) * 100, '%', reference, '≤ 5');
  };
  return [result('resident set', 'rss'), result('used heap', 'heap')];
}
