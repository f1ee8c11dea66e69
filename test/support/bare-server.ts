import { generateKeyPairSync, randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { createSigner } from 'fast-jwt';
import fastify, { type FastifyInstance } from 'fastify';
import { z } from 'zod';
import { type Config, loadConfig } from '#config/config';
import { anyone } from '#platform/contract/access';
import { channel } from '#platform/contract/channel';
import { event } from '#platform/contract/event';
import { operation } from '#platform/contract/operation';
import { schema } from '#platform/contract/schema';
import { createLog } from '#platform/observability/logger';
import { Metrics } from '#platform/observability/metrics';
import type { Caller } from '#platform/operations/caller';
import { Observation } from '#platform/operations/observation';
import { Pipeline } from '#platform/operations/pipeline';
import type { BoundChannel, Sink, SubscribeCall, Subscription } from '#platform/realtime/bound-channel';
import { Batch, type Frame } from '#platform/realtime/frame';
import { ACCESS_TOKEN_TYPE, AccessTokens, TOKEN_AUDIENCE } from '#platform/security/access-tokens';
import { HeldByAddress } from '#platform/security/held-by-address';
import { RateLimits } from '#platform/security/rate-limits';
import { Refusals } from '#platform/security/refusals';
import { type EdgeOptions, fastifyOptions, mountEdge } from '#platform/transports/rest/edge';
import { mountSse } from '#platform/transports/sse/sse';
import { routeUpgrades } from '#platform/transports/upgrade';
import type { Behind } from '#platform/transports/websocket/behind';
import { mountWebSocket } from '#platform/transports/websocket/websocket';

const Line = schema('Line', { text: z.string() });
const happened = event({ name: 'test.line-said', version: 1, key: 'line', data: { line: z.string() } });
const lines = channel({
  name: 'test.lines',
  summary: 'Lines',
  http: 'GET /lines/:line/events',
  access: anyone(),
  params: { line: z.string() },
  item: Line,
  events: [happened],
});
const wait = operation({
  name: 'test.wait',
  summary: 'Answers when the test says so',
  http: 'POST /wait',
  access: anyone(),
  input: {},
  output: Line,
  limit: [],
});

/** A channel in memory: what a test says goes to all who follow. */
export class Lines implements BoundChannel {
  readonly contract = lines;
  readonly followers = new Map<Sink, { stream: string; closed: boolean }>();
  subscribed = 0;
  /** Waited for by each who subscribes. */
  gate: Promise<unknown> = Promise.resolve();
  /** What each who comes back with a cursor gets first. */
  missed: readonly Frame[] = [];
  /** Tokens that followers went on with. */
  readonly renewed: string[] = [];
  private cursor = 0;

  async subscribe(call: SubscribeCall): Promise<Subscription> {
    const stream = `lines-${(call.input() as { line: string }).line}`;
    await this.gate;
    this.subscribed++;
    const state = { stream, closed: false };
    const followers = this.followers;
    return {
      stream,
      cursor: `c${this.cursor}`,
      reset: false,
      expiresAt: Infinity,
      start: (sink) => {
        followers.set(sink, state);
        if (call.after !== undefined && this.missed.length > 0)
          queueMicrotask(() => sink.deliver(new Batch(stream, this.missed)));
      },
      renew: (token) => void this.renewed.push(token),
      close: () => {
        if (!state.closed) this.subscribed--;
        state.closed = true;
        for (const [sink, each] of followers) if (each === state) followers.delete(sink);
      },
    };
  }

  say(text: string): void {
    const item = { text };
    const frame = { cursor: `c${++this.cursor}`, item, json: JSON.stringify(item) };
    const batches = new Map<string, Batch>();
    for (const [sink, { stream }] of this.followers) {
      let batch = batches.get(stream);
      if (!batch) batches.set(stream, (batch = new Batch(stream, [frame])));
      sink.deliver(batch);
    }
  }
}

export interface BareServer {
  readonly url: string;
  readonly app: FastifyInstance;
  readonly lines: Lines;
  /** Calls of `test.wait` that have not been answered. */
  readonly waiting: { readonly caller: Caller; readonly answer: () => void }[];
  /** The most that waited at once. */
  readonly most: () => number;
  readonly metrics: Metrics;
  /** An access token of one and the same person, each time another. */
  readonly token: () => string;
}

const ISSUER = 'https://issuer.example';

/** Makes tokens that `tokens` trusts. */
function issuer(tokens: AccessTokens): () => string {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  tokens.trust([{ ...publicKey.export({ format: 'jwk' }), kid: 'test' }], ISSUER);
  const sign = createSigner({
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    algorithm: 'ES256',
    kid: 'test',
    header: { alg: 'ES256', typ: ACCESS_TOKEN_TYPE },
  });
  const [sub, org] = [randomUUID(), randomUUID()];
  return () => {
    const now = Math.floor(Date.now() / 1_000);
    const about = { sub, org, roles: ['member'], sid: randomUUID(), auth_time: now };
    return sign({ iss: ISSUER, aud: TOKEN_AUDIENCE, ...about, iat: now, exp: now + 600, jti: randomUUID() });
  };
}

/** The transports alone, over a channel and an operation of the test's own, with times that a test can wait for. */
export async function bareServer(
  settings: Record<string, string> = {},
  timing: Behind['timing'] = { auth: 60_000, heartbeat: 60_000 },
  sseHeartbeat = 60_000,
): Promise<BareServer> {
  const config: Config = loadConfig({ NODE_ENV: 'test', TRUST_PROXY: '127.0.0.1', ...settings }, { cwd: '/' });
  const log = createLog({ ...config, LOG_FORMAT: 'json' }, { write: () => {} });
  const metrics = new Metrics();
  const limits = new RateLimits(undefined);
  const edge: EdgeOptions = {
    bodyLimit: config.BODY_LIMIT,
    requestTimeout: config.REQUEST_TIMEOUT,
    trustProxy: config.TRUST_PROXY,
    corsOrigins: config.CORS_ORIGINS,
  };
  const app = fastify(fastifyOptions(edge, log.logger)) as unknown as FastifyInstance;
  const tokens = new AccessTokens();
  const pipeline = new Pipeline(tokens, limits, new Observation(metrics));
  const waiting: { caller: Caller; answer: () => void }[] = [];
  let most = 0;
  const handler = (_input: object, caller: Caller) =>
    new Promise<{ text: string }>((resolve) => {
      const entry = {
        caller,
        answer: () => {
          waiting.splice(waiting.indexOf(entry), 1);
          resolve({ text: 'done' });
        },
      };
      waiting.push(entry);
      most = Math.max(most, waiting.length);
    });
  const bound = pipeline.bind({ contract: wait, handler, database: undefined as never, enhancers: undefined });
  const said = new Lines();
  const served = { modules: [], operations: [bound], rawRoutes: [], channels: [said] };
  await mountEdge(app, edge, log, { metrics, refusals: new Refusals(limits) });
  routeUpgrades(app);
  mountWebSocket(app, config, { served, pipeline, metrics, log, sockets: new HeldByAddress(1_000) }, timing);
  mountSse(app, config, { served, metrics }, sseHeartbeat);
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, app, lines: said, waiting, most: () => most, metrics, token: issuer(tokens) };
}
