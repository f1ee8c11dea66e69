// Pins the protobuf numbers of what the contracts say in src/proto.lock.json; with --check only compares, for CI.
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { StartError } from '#platform/start-error';
import { lockProto, PLATFORM_LOCK } from '#platform/transports/grpc/lock-file';

const folder = fileURLToPath(new URL('../src/modules', import.meta.url));
const contracts = await Promise.all(readdirSync(folder).map((module) => import(`${folder}/${module}/contract.ts`)));
const check = process.argv.includes('--check');

const { changes, breaches } = held();
for (const breach of breaches) process.stderr.write(`${breach}.\n`);
for (const change of changes) {
  if (check) process.stderr.write(`src/proto.lock.json: ${change}: run npm run proto:lock and commit it.\n`);
  else if (breaches.length === 0) process.stdout.write(`pinned: ${change}\n`);
}
if (breaches.length > 0 || (check && changes.length > 0)) process.exitCode = 1;

function held() {
  try {
    return lockProto(contracts as object[], PLATFORM_LOCK, { check });
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    return { changes: [], breaches: [error.message.replace(/\.$/, '')] };
  }
}
