export type { CallOptions } from './call.ts';
export { type Client, type ClientCore, type ClientOptions, createClient } from './client.ts';
export type { Api, ChannelContract, Contract, OperationContract } from './contracts.ts';
export type { Followed, FollowOptions } from './follow.ts';
export type { OnOutbox, OutboxCall, OutboxStore } from './outbox.ts';
export { type ProblemBody, ProblemError } from './problem.ts';
export type { Session, Tokens, TokenStore } from './session.ts';
