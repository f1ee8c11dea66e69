import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { ChannelDefinition } from '../../contract/channel.ts';
import type { OperationDefinition } from '../../contract/operation.ts';
import { definitionsOf } from '../../contract/definitions.ts';
import { StartError } from '../../start-error.ts';
import { lockText, type Pinned, pin, type ProtoLock, readLock } from './proto-lock.ts';
import { protoModel } from './proto-model.ts';

/** The lock of the platform's own modules. A product that adds modules has one of its own, which begins as a copy of it. */
export const PLATFORM_LOCK = new URL('../../../proto.lock.json', import.meta.url);

/** @throws StartError when it can't be used */
export function lockIn(file: string | URL): ProtoLock {
  try {
    return readLock(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new StartError(`The lock of field numbers (${String(file)}) can't be used: ${(error as Error).message}.`);
  }
}

/**
 * Holds the contracts of a product against the lock file of its field numbers, and writes what is new or gone into it; with
 * `check` it only looks. Nothing is written when something would break clients.
 */
export function lockProto(contracts: readonly object[], file: string | URL, { check = false } = {}): Omit<Pinned, 'lock'> {
  const operations = contracts.flatMap((contract) => definitionsOf<OperationDefinition>(contract, 'operation'));
  const channels = contracts.flatMap((contract) => definitionsOf<ChannelDefinition>(contract, 'channel'));
  const before = lockIn(existsSync(file) ? file : PLATFORM_LOCK);
  const { lock, changes, breaches } = pin(before, protoModel(operations, channels));
  if (!check && breaches.length === 0) writeFileSync(file, lockText(lock));
  return { changes, breaches };
}
