import { call } from './call.ts';
import { graphql } from './graphql.ts';
import { grpc } from './grpc.ts';
import { mcp } from './mcp.ts';
import { rest } from './rest.ts';
import type { Transport } from './transport.ts';
import { websocket } from './websocket.ts';

/** Every way to call an operation. */
export const TRANSPORTS: readonly Transport[] = [rest, graphql, grpc, websocket, mcp, call];
