import type { ProcessLog } from '../../observability/logger.ts';
import type { BoundOperation } from '../../operations/bound-operation.ts';
import type { Origin, Principal } from '../../operations/caller.ts';
import type { RequestRoute } from '../../observability/request-log.ts';
import type { BoundChannel } from '../../realtime/bound-channel.ts';
import type { Refusals } from '../../security/refusals.ts';
import type { ParseJson } from '../json-parser.ts';
import type { Connection } from './connection.ts';

/** A thing that can be called or followed by its name, and what its lines in the log have in common. */
export interface Named<T> {
  readonly bound: T;
  readonly route: RequestRoute;
}

/** What all connections stand on. */
export interface Behind {
  readonly operations: ReadonlyMap<string, Named<BoundOperation>>;
  readonly channels: ReadonlyMap<string, Named<BoundChannel>>;
  /** Who a token was made for. @throws Problem Unauthenticated */
  readonly identify: (token: string, origin: Origin) => Principal;
  readonly refusals: Refusals;
  readonly log: Pick<ProcessLog, 'request' | 'logger'>;
  readonly parseJson: ParseJson;
  /** Bytes that may wait for a slow reader. */
  readonly sendBuffer: number;
  /** Messages that are read of a connection in a second. */
  readonly messageRate: number;
  /** In milliseconds. */
  readonly timing: { readonly auth: number; readonly heartbeat: number };
  /** Messages since the start. */
  readonly traffic: { received: number; sent: number };
  readonly onClosed: (connection: Connection, code: number) => void;
}
