import type { Access } from '../contract/access.ts';
import { Forbidden, NotFound, StepUpRequired, Unauthenticated } from '../contract/platform.problems.ts';
import { Problem } from '../contract/problem.ts';
import type { Caller } from './caller.ts';

/**
 * Whether `caller` may call at all. Runs before the input is looked at: who may not call learns nothing.
 * @throws Problem
 */
export function checkAccess(access: Access, caller: Caller): void {
  if (access.who === 'anyone' || caller.kind === 'service') return;
  // From outside, what only modules may call does not exist.
  if (access.who === 'service') throw new Problem(NotFound);
  if (caller.kind === 'anonymous') throw new Problem(Unauthenticated);
  if (access.who === 'may' && !caller.may(access.permission)) throw new Problem(Forbidden);
  if (access.who === 'steppedUp' && Date.now() / 1000 - caller.principal!.authenticatedAt > access.withinSeconds)
    throw new Problem(StepUpRequired);
}
