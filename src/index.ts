// The public API: what a product's own modules import. Everything else is internal and may change with any version.
export { createApp, type AppOptions } from './app.ts';
export { modules } from './app.module.ts';
export * from '#platform/contract/access';
export { channel, type ChannelDefinition, type ItemOf, type ParamsOf } from '#platform/contract/channel';
export { event, type EventData, type EventDefinition } from '#platform/contract/event';
export { DEFAULT_LIMIT, type Limit, perAddress, perCaller, type Window } from '#platform/contract/limit';
export { link, type LinkDefinition } from '#platform/contract/link';
export {
  type Input,
  nothing,
  operation,
  type OperationDeclaration,
  type OperationDefinition,
  type Output,
  page,
  paging,
} from '#platform/contract/operation';
export * as problems from '#platform/contract/platform.problems';
export { type FieldError, problem, Problem, type ProblemDefinition } from '#platform/contract/problem';
export { rawRoute, type RawRouteDefinition } from '#platform/contract/raw-route';
export { Id, int64, json, schema, Timestamp, union } from '#platform/contract/schema';
export { afterCommit, Database, insideTransaction, type Tx } from '#platform/database/database';
export { NaturalBatches } from '#platform/database/natural-batches';
export { prepared, preparedSql } from '#platform/database/prepared';
export { defineJob } from '#platform/jobs/job';
export { Job } from '#platform/jobs/job-handlers';
export { Jobs } from '#platform/jobs/jobs';
export { Channel, type ChannelHandler, type Entry, type Head } from '#platform/realtime/channel-handler';
export { Channels } from '#platform/realtime/channels';
export { Calls, type Client } from '#platform/operations/calls';
export { Caller } from '#platform/operations/caller';
export { afterCursor, pageOf } from '#platform/operations/cursor';
export { OperationContext } from '#platform/operations/enhancers';
export { FondasiModule, type FondasiModuleDefinition } from '#platform/operations/fondasi-module.decorator';
export { Operation, RawRoute } from '#platform/operations/operation.decorator';
export { lockProto } from '#platform/transports/grpc/lock-file';
export { CONFIG } from '#platform/settings';
export type { Config } from '#config/config';
