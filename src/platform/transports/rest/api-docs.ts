import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Config } from '#config/config';
import type { OperationDefinition } from '../../contract/operation.ts';
import * as platform from '../../contract/platform.problems.ts';
import { Problem, type ProblemDefinition } from '../../contract/problem.ts';
import { definitionsOf } from '../../operations/fondasi-module.decorator.ts';
import type { Served } from '../../operations/operations.ts';
import { asyncApi } from '../websocket/asyncapi.ts';
import { openApi } from './openapi.ts';
import { problemPage } from './problem-page.ts';

/** Swagger UI brings its styles as attributes and its icons as data; scripts come from here alone. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const PAGE = `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Fondasi API</title>
  <link rel="icon" href="data:,">
  <link rel="stylesheet" href="/api-docs/swagger-ui.css">
</head>
<body>
  <div id="swagger-ui"></div>
  <script src="/api-docs/swagger-ui-bundle.js"></script>
  <script src="/api-docs/start.js"></script>
</body>
</html>
`;
const START = `SwaggerUIBundle({ url: '/api-docs/openapi.json', dom_id: '#swagger-ui', deepLinking: true, persistAuthorization: false, displayRequestDuration: true, tryItOutEnabled: true, validatorUrl: null });\n`;

/** Swagger UI, the OpenAPI document, and a page for every problem. The pages of problems stay when the documents are off. */
export function mountApiDocs(app: FastifyInstance, served: Served, { API_DOCS, PUBLIC_URL, PORT }: Config): void {
  mountProblemPages(app, served);
  if (!API_DOCS) return;
  const contracts = served.operations.map(({ contract }) => contract);
  const channels = served.channels.map(({ contract }) => contract);
  const version = (JSON.parse(readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8')) as { version: string })
    .version;
  const routes = served.rawRoutes.map(({ contract }) => contract);
  const document = (openapi: '3.1' | '3.0') =>
    JSON.stringify(openApi(contracts, routes, channels, { version, modules: served.modules }, openapi));
  const socket = asyncApi(contracts, channels, { version, url: PUBLIC_URL ?? `http://localhost:${PORT}` });
  const ui = join(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'), '..');
  const files: [string, string, string | Buffer][] = [
    ['/api-docs', 'text/html; charset=utf-8', PAGE],
    ['/api-docs/openapi.json', 'application/json; charset=utf-8', document('3.1')],
    ['/api-docs/openapi-3.0.json', 'application/json; charset=utf-8', document('3.0')],
    ['/api-docs/asyncapi.json', 'application/json; charset=utf-8', JSON.stringify(socket)],
    ['/api-docs/start.js', 'text/javascript; charset=utf-8', START],
    ['/api-docs/swagger-ui-bundle.js', 'text/javascript; charset=utf-8', readFileSync(join(ui, 'swagger-ui-bundle.js'))],
    ['/api-docs/swagger-ui.css', 'text/css; charset=utf-8', readFileSync(join(ui, 'swagger-ui.css'))],
  ];
  for (const [path, type, content] of files) serveFile(app, path, type, content);
  app.get('/', (_request, reply) => reply.redirect('/api-docs', 302));
  app.get('/api-docs/', (_request, reply) => reply.redirect('/api-docs', 308));
}

/** A document that changes with the version only. */
export function serveFile(app: FastifyInstance, path: string, type: string, content: string | Buffer) {
  const etag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 27)}"`;
  app.get(path, (request, reply: FastifyReply) => {
    reply.header('etag', etag).header('cache-control', 'no-cache').header('content-security-policy', PAGE_POLICY);
    if (request.headers['if-none-match'] === etag) return reply.code(304).send();
    return reply.type(type).send(content);
  });
}

function mountProblemPages(app: FastifyInstance, { modules }: Served) {
  const problems = new Map<string, ProblemDefinition>();
  const add = (definition: ProblemDefinition) => problems.set(definition.code, definition);
  for (const definition of Object.values(platform)) add(definition);
  for (const { contract } of modules) {
    definitionsOf<ProblemDefinition>(contract, 'problem').forEach(add);
    for (const operation of definitionsOf<OperationDefinition>(contract, 'operation')) operation.problems.forEach(add);
  }
  app.get<{ Params: { module: string; state: string } }>('/problems/:module/:state', (request, reply) => {
    const found = problems.get(`${request.params.module}/${request.params.state}`);
    if (!found) throw new Problem(platform.NotFound);
    return reply
      .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
      .header('cache-control', 'public, max-age=3600')
      .type('text/html; charset=utf-8')
      .send(problemPage(found));
  });
}
