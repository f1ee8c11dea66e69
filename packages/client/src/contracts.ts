import type { z } from 'zod';
import type { CallOptions } from './call.ts';
import type { FollowOptions, Followed } from './follow.ts';

/** What the client reads of an operation. Contracts have more; they are imported from `fondasi/contracts/…` or are one's own. */
export interface OperationContract {
  readonly kind: 'operation';
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly params: readonly string[];
  readonly retry: 'safe' | 'key' | 'never';
  readonly input: z.ZodType;
  readonly output: z.ZodType;
}

export interface ChannelContract {
  readonly kind: 'channel';
  readonly name: string;
  readonly params: z.ZodType;
  readonly item: z.ZodType;
}

/** The module's contract, `import * as chat from 'fondasi/contracts/chat'`; what is neither operation nor channel is passed over. */
export type Contract = object;

type Result<O> = keyof O extends never ? void : O;

export type Call<C extends OperationContract> =
  {} extends z.input<C['input']>
    ? (input?: z.input<C['input']>, options?: CallOptions) => Promise<Result<z.output<C['output']>>>
    : (input: z.input<C['input']>, options?: CallOptions) => Promise<Result<z.output<C['output']>>>;

/** Follows a stream of the channel until it is closed; connections come and go meanwhile. */
export type Follow<C extends ChannelContract> = (
  params: z.input<C['params']>,
  options: FollowOptions<z.output<C['item']>>,
) => Followed;

/** A contract's operations and channels as functions, under the names that the contract exports. */
export type Api<C> = {
  readonly [K in keyof C as C[K] extends OperationContract | ChannelContract ? K : never]: C[K] extends OperationContract
    ? Call<C[K]>
    : C[K] extends ChannelContract
      ? Follow<C[K]>
      : never;
};
