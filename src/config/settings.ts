import { z } from 'zod';
import {
  type About,
  duration,
  type Form,
  isAddressRange,
  isName,
  isOrigin,
  listOf,
  oneOf,
  onOff,
  port,
  portOrOff,
  size,
  text,
  url,
  whole,
} from './forms.ts';

export const environments = ['development', 'production', 'test'] as const;
export type Environment = (typeof environments)[number];

/** A setting that may be left out. */
function optional<S extends z.ZodType<unknown, string>>(group: string, is: Form<S>, description: string) {
  return is.schema.optional().meta(about(group, is, description));
}

/** A setting with a default, written the way an operator would write it. */
function withDefault<S extends z.ZodType<unknown, string>>(group: string, is: Form<S>, fallback: string, description: string) {
  return is.schema.prefault(fallback as z.input<S>).meta(about(group, is, description));
}

/** A setting whose default depends on the environment: see `defaultsByEnvironment`. */
function required<S extends z.ZodType<unknown, string>>(group: string, is: Form<S>, description: string) {
  return is.schema.meta(about(group, is, description));
}

function about(group: string, { form, secret }: Form<z.ZodType>, description: string): About & Record<string, unknown> {
  return secret ? { group, form, description, secret } : { group, form, description };
}

const names = listOf('names such as `auth,users,chat`, or `all`', isName);
const postgres = url('postgres', 'postgresql');
const secretKey = { schema: z.string(), form: '32 random bytes in base64url', secret: true };

/** Every setting of the platform; the reference page and `.env.example` are generated from it. Durations are milliseconds, sizes bytes. */
export const settings = z.object({
  NODE_ENV: withDefault(
    'Process',
    oneOf(...environments),
    'development',
    'Chooses the defaults that fit a laptop, a server or a test run.',
  ),
  MODULES: withDefault('Process', names, 'all', 'The modules that the product has; what they depend on is checked at start.'),
  DATA_DIR: withDefault(
    'Process',
    text('the path of a folder'),
    './data',
    'The folder that holds the embedded database, generated secrets and files.',
  ),
  SECRET_KEY: optional(
    'Process',
    secretKey,
    'The key from which all other secrets are derived or with which they are wrapped; development generates one into the data folder.',
  ),

  HOST: required('Network', text('an address to listen on, such as `127.0.0.1`'), 'The address that the gateway listens on.'),
  PORT: withDefault('Network', port, '3000', 'The port that the gateway listens on; 0 takes any free one.'),
  GRPC_PORT: required('Network', portOrOff, 'The port of gRPC, on the same address; 0 takes any free one, `off` means no gRPC.'),
  PUBLIC_URL: optional(
    'Network',
    url('http', 'https'),
    'The address under which clients reach the gateway, used in links, tokens and documents; the listening address when it is left out.',
  ),
  CORS_ORIGINS: withDefault(
    'Network',
    listOf('origins such as `https://app.example.com`, separated by commas', isOrigin),
    '',
    'The web origins whose pages may call the API from a browser; none by default.',
  ),
  TRUST_PROXY: withDefault(
    'Network',
    listOf('addresses or ranges such as `10.0.0.0/8`, separated by commas', isAddressRange),
    '',
    'The proxies whose `X-Forwarded-*` headers are believed; none by default.',
  ),
  TLS_CERT_FILE: optional(
    'Network',
    text('the path of a PEM file'),
    'The certificate chain for HTTPS, HTTP/2 and gRPC; needs `TLS_KEY_FILE`.',
  ),
  TLS_KEY_FILE: optional('Network', text('the path of a PEM file'), 'The private key of `TLS_CERT_FILE`.'),
  BODY_LIMIT: withDefault(
    'Network',
    size,
    '1mb',
    'The largest request body or message that is read; a bigger one is refused with 413, and closes a WebSocket with 1009.',
  ),
  REQUEST_TIMEOUT: withDefault(
    'Network',
    duration,
    '30s',
    'How long a client may take to send its request before the connection is closed.',
  ),
  SEND_BUFFER: withDefault(
    'Network',
    size,
    '1mb',
    'How much may wait for a slow reader of a WebSocket or an event stream before it is sent away, to come back and resume; over gRPC it is 1,000 frames, whatever is set.',
  ),
  WS_CONNECTIONS_PER_ADDRESS: withDefault(
    'Network',
    whole(1, 1_000_000),
    '1000',
    'The WebSocket connections that one network address may hold open, those of `/ws` and `/graphql` together.',
  ),
  WS_MESSAGE_RATE: withDefault(
    'Network',
    whole(1, 1_000_000),
    '1000',
    'The messages a second that are read from one WebSocket connection; more wait at `/ws`, and close a connection to `/graphql`.',
  ),
  GRAPHQL: withDefault('Network', onOff, 'on', 'Serves the operations as GraphQL at `/graphql`.'),
  GRAPHQL_INTROSPECTION: required(
    'Network',
    onOff,
    'Tells clients the GraphQL schema, suggests names, and serves GraphiQL to browsers at `/graphql`.',
  ),
  GRAPHQL_DOCUMENTS: optional(
    'Network',
    text('the path of a JSON file'),
    'The only GraphQL documents that run, as an object of id (a SHA-256, usually) and document; any document runs without it.',
  ),
  API_DOCS: withDefault(
    'Network',
    onOff,
    'on',
    'Serves Swagger UI, the OpenAPI and AsyncAPI documents and the .proto at `/api-docs`, and gRPC reflection.',
  ),

  DATABASE_URL: optional('Database', postgres, 'The PostgreSQL server (15 or newer) to use instead of the embedded one.'),
  DATABASE_DIRECT_URL: optional(
    'Database',
    postgres,
    'The same database without the pooler in between, for LISTEN and session locks.',
  ),
  DATABASE_POOLER: withDefault(
    'Database',
    oneOf('none', 'transaction'),
    'none',
    'Set to `transaction` when `DATABASE_URL` goes through a transaction pooler: statements are then sent unnamed.',
  ),
  DATABASE_ROLES: withDefault(
    'Database',
    onOff,
    'on',
    'Gives every module its own owner and runtime role; off where the host forbids CREATEROLE.',
  ),
  DATABASE_ROLE_SUFFIX: optional(
    'Database',
    text('letters and digits'),
    "What the names of the modules' roles end in; made from the database's name when it is left out, so needed once that has changed.",
  ),
  DATABASE_CONNECTIONS: withDefault(
    'Database',
    whole(2, 1000),
    '20',
    'The connections that this process may hold in all, shared by its modules.',
  ),
  STATEMENT_TIMEOUT: withDefault('Database', duration, '10s', 'How long one statement may run before the database cancels it.'),
  REDIS_URL: optional(
    'Database',
    url('redis', 'rediss'),
    'Shares rate limits and carries news of channels between processes; without it each counts for itself, and news go through PostgreSQL.',
  ),

  SIGN_UP: withDefault(
    'Identity',
    oneOf('open', 'invited', 'closed'),
    'open',
    'Who may make an account: anyone, people with an invitation, or nobody.',
  ),
  ACCESS_TOKEN_TTL: withDefault('Identity', duration, '10m', 'How long an access token is valid.'),
  REFRESH_TOKEN_TTL: withDefault('Identity', duration, '30d', 'How long a session may stay unused before it ends.'),

  LOG_LEVEL: withDefault(
    'Observability',
    oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    'info',
    'The least important lines that are logged.',
  ),
  LOG_FORMAT: required('Observability', oneOf('json', 'pretty'), 'Lines for machines (Elastic Common Schema) or for people.'),
  LOG_FILE: optional(
    'Observability',
    text('the path of a file'),
    'Logs go to this file instead of standard output; SIGHUP reopens it.',
  ),
  METRICS_PORT: optional(
    'Observability',
    port,
    'Serves `/metrics` on a port of its own; without it `/metrics` is on the gateway behind a permission.',
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: optional(
    'Observability',
    url('http', 'https'),
    'The OpenTelemetry collector that traces are sent to over OTLP/HTTP; no tracing without it.',
  ),
  OTEL_SERVICE_NAME: withDefault('Observability', text('a name'), 'fondasi', 'The name of this service in logs and traces.'),
});

export type SettingName = keyof typeof settings.shape;

export const defaultsByEnvironment: Partial<Record<SettingName, Record<Environment, string>>> = {
  HOST: { development: '127.0.0.1', production: '0.0.0.0', test: '127.0.0.1' },
  GRAPHQL_INTROSPECTION: { development: 'on', production: 'off', test: 'on' },
  // Several products run side by side in tests.
  GRPC_PORT: { development: '50051', production: '50051', test: 'off' },
  LOG_FORMAT: { development: 'pretty', production: 'json', test: 'json' },
};

/** `CHAT_DATABASE_URL` moves the module `chat` to a database of its own; any module may have one. */
export const moduleDatabaseUrl = { pattern: /^([A-Z][A-Z0-9]*)_DATABASE_URL$/, ...postgres };

/** What the schema says about a setting. */
export function aboutSetting(name: SettingName): About {
  return settings.shape[name].meta() as About & Record<string, unknown>;
}
