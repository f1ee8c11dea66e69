import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply } from 'fastify';

/** GraphiQL styles by attributes and runs its editor's workers from blobs; scripts come from here alone. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; worker-src blob:; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; font-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const PAGE = `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Fondasi GraphQL</title>
  <link rel="icon" href="data:,">
  <link rel="stylesheet" href="/graphql/graphiql.css">
</head>
<body id="body" class="no-focus-outline">
  <div id="root"></div>
  <script src="/graphql/workers.js"></script>
  <script src="/graphql/graphiql.js"></script>
  <script src="/graphql/start.js"></script>
</body>
</html>
`;

const START = `YogaGraphiQL.renderYogaGraphiQL(document.querySelector('#root'), {
  title: 'Fondasi GraphQL',
  endpoint: '/graphql',
  subscriptionsProtocol: 'WS',
  defaultQuery: '# Sign in with authSignIn, then set under Headers:\\n# { "authorization": "Bearer …" }\\nquery { usersMe { id name } }\\n',
});
`;

/** The page's parts as its package exports them. */
interface Parts {
  readonly js: string;
  readonly css: string;
  readonly editorWorkerService: string;
  readonly jsonWorker: string;
  readonly graphqlWorker: string;
}

/** A tool of developers: a project that wants the page installs it, a production image doesn't carry it. */
const PACKAGE = '@graphql-yoga/render-graphiql';
const MISSING = `The page to try queries on is not installed. Install it with: npm install --save-dev ${PACKAGE}\n`;

/** Serves GraphiQL's files below `/graphql`. What is returned answers with the page itself. */
export function mountGraphiql(app: FastifyInstance): (reply: FastifyReply) => Promise<FastifyReply> {
  let loading: Promise<Map<string, string> | undefined> | undefined;
  const files = () => (loading ??= loadFiles());
  for (const [name, type] of [
    ['graphiql.js', 'text/javascript'],
    ['workers.js', 'text/javascript'],
    ['start.js', 'text/javascript'],
    ['graphiql.css', 'text/css'],
  ] as const)
    app.get(`/graphql/${name}`, async (request, reply) => {
      const content = (await files())?.get(name);
      if (content === undefined) return reply.callNotFound();
      const etag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 27)}"`;
      reply.header('etag', etag).header('cache-control', 'no-cache');
      if (request.headers['if-none-match'] === etag) return reply.code(304).send();
      return reply.type(`${type}; charset=utf-8`).send(content);
    });
  return async (reply) => {
    if (!(await files())) return reply.code(501).type('text/plain; charset=utf-8').send(MISSING);
    return reply.header('content-security-policy', PAGE_POLICY).type('text/html; charset=utf-8').send(PAGE);
  };
}

async function loadFiles(): Promise<Map<string, string> | undefined> {
  const name: string = `${PACKAGE}/graphiql`;
  let parts: Parts;
  try {
    parts = (await import(name)) as Parts;
  } catch {
    return undefined;
  }
  return new Map([
    ['graphiql.js', parts.js],
    ['graphiql.css', parts.css],
    ['workers.js', workers(parts)],
    ['start.js', START],
  ]);
}

/** Monaco asks for the address of a worker by its label. */
function workers({ editorWorkerService, jsonWorker, graphqlWorker }: Parts): string {
  const sources = JSON.stringify({ editorWorkerService, json: jsonWorker, graphql: graphqlWorker });
  return `const sources = ${sources};
const urls = Object.fromEntries(Object.entries(sources).map(([label, source]) =>
  [label, URL.createObjectURL(new Blob([source], { type: 'application/javascript' }))]));
self.MonacoEnvironment = { globalAPI: false, getWorkerUrl: (_module, label) => urls[label] };
`;
}
