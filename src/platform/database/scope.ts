import { AsyncLocalStorage } from 'node:async_hooks';
import type { ControlledTransaction, Transaction } from 'kysely';

export type Isolation = 'repeatable read' | 'serializable';

/** An open transaction of a module and what should happen once it is committed. */
export interface Scope {
  readonly module: string;
  /** One storage serves the transactions of every module: `txOf` gives it back its tables. */
  readonly tx: ControlledTransaction<unknown>;
  readonly isolation: Isolation | undefined;
  open: boolean;
  readonly afterCommit: (() => void)[];
}

export const txOf = <T>(scope: Scope): Transaction<T> => scope.tx as unknown as Transaction<T>;

/** A pipeline's operation: the module's first transaction in it stays open until the operation ends. */
export interface OperationScope {
  /** It was answered with an error: no transaction begins in it any more. */
  failed?: boolean;
  readonly module: string;
  scope: Scope | undefined;
  /** True once the handler is done: what it left running in the background gets transactions of its own. */
  closed: boolean;
  /** The last of the operation's `transaction()` calls; they go one after the other. */
  turn: Promise<unknown>;
  begin(isolation: Isolation | undefined): Promise<Scope>;
}

interface Surroundings {
  /** The transaction whose callback is running. */
  readonly scope?: Scope;
  readonly operation?: OperationScope;
}

export const surroundings = new AsyncLocalStorage<Surroundings>();

/** The open transaction around the caller, its callback running or (in an operation) awaiting the operation's end. */
export function openScope(): Scope | undefined {
  const around = surroundings.getStore();
  if (around?.scope?.open) return around.scope;
  return around?.operation?.scope?.open ? around.operation.scope : undefined;
}

/** True between BEGIN and COMMIT of a transaction around the caller. */
export const insideTransaction = (): boolean => openScope() !== undefined;

/** Runs `work` once the surrounding transaction is committed (never if it isn't), at once when there is none. */
export function afterCommit(work: () => void): void {
  const scope = openScope();
  if (scope) scope.afterCommit.push(work);
  else work();
}

/**
 * Runs `work` as if no transaction and no operation were around it. For what serves many callers at once: a batch that
 * is started by one caller's request must not end up in that caller's transaction.
 */
export const detached = <R>(work: () => R): R => surroundings.exit(work);
