import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StartError } from '#platform/start-error';
import { createLog, type Logger, type LogSettings, type ProcessLog } from './logger.ts';
import { NestLogger } from './nest-logger.ts';
import { beginRequest, runInRequest } from './request-context.ts';
import type { LogRequest } from './request-log.ts';

let folder: string;
let file: string;
let log: ProcessLog;
let closed: boolean;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fondasi-log-'));
  file = join(folder, 'logs', 'fondasi.log');
});
afterEach(async () => {
  if (!closed) await log.close();
  rmSync(folder, { recursive: true, force: true });
});

function open(settings: Partial<LogSettings> = {}) {
  closed = false;
  log = createLog({
    LOG_LEVEL: 'trace',
    LOG_FORMAT: 'json',
    LOG_FILE: file,
    NODE_ENV: 'production',
    OTEL_SERVICE_NAME: 'shop',
    ...settings,
  });
  return log.logger;
}
async function written() {
  closed = true;
  await log.close();
  return readFileSync(file, 'utf8');
}
const lines = async () =>
  (await written())
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('a line in JSON', () => {
  it('has the fields of the Elastic Common Schema', async () => {
    open().warn({ attempt: 2 }, 'hello');
    expect(await lines()).toEqual([
      {
        '@timestamp': expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        'log.level': 'warn',
        'ecs.version': '8.17.0',
        'service.name': 'shop',
        'service.environment': 'production',
        'process.pid': process.pid,
        'host.hostname': expect.any(String),
        attempt: 2,
        message: 'hello',
      },
    ]);
  });

  it('carries the ids of the request that it was written in, across awaits', async () => {
    const logger = open();
    const request = beginRequest('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'client-chosen-1');
    await runInRequest(request, async () => {
      await Promise.resolve();
      logger.info('inside');
    });
    logger.info('outside');
    const [inside, outside] = await lines();
    expect(inside).toMatchObject({ 'trace.id': '0af7651916cd43dd8448eb211c80319c', 'http.request.id': 'client-chosen-1' });
    expect(outside).not.toHaveProperty(['trace.id']);
  });

  it('tells an error with its causes, but not its own fields', async () => {
    const cause = Object.assign(new Error('duplicate key'), { code: '23505', detail: 'Key (name)=(Siti) already exists.' });
    open().error({ err: new TypeError('not saved', { cause }) }, 'failed');
    const text = await written();
    expect(JSON.parse(text)).toMatchObject({
      'error.type': 'TypeError',
      'error.message': 'not saved',
      'error.stack_trace': expect.stringContaining('Caused by: Error: duplicate key'),
    });
    expect(text).not.toContain('Siti');
  });
});

describe.each(['json', 'pretty'] as const)('in %s', (LOG_FORMAT) => {
  it('secrets and personal data do not reach the log, wherever they stand', async () => {
    const logger = open({ LOG_FORMAT });
    const secret = 'hunter2-hunter2';
    logger.info({ password: secret, headers: { authorization: secret, Cookie: secret, 'x-api-key': secret } }, 'a');
    logger.info({ user: { list: [{ e_mail: 1, email: secret, refreshToken: secret, smtpPassword: secret }] } }, 'b');
    logger.info(
      { request: { body: { any: secret } }, 'user.email': secret, database: new URL(`postgres://app:${secret}@db/x`) },
      'c',
    );
    logger.child({ token: secret }).info('d');
    logger.error({ err: new Error(`cannot connect to postgres://app:${secret}@db/x`) }, 'e');
    logger.info(`Bearer ${secret}`);
    logger.info({ nested: { failure: Object.assign(new Error('x'), { row: secret }) } }, 'g');
    logger.error({ err: Object.assign(new Error('x'), { row: secret, config: { password: secret } }) }, 'h');
    logger.info('sent to siti.nurhaliza@example.co.id');
    const text = await written();
    expect(text).not.toContain(secret);
    expect(text).not.toContain('nurhaliza');
    expect(text.match(/\[redacted\]/g)?.length).toBeGreaterThanOrEqual(11);
  });

  it('what is not secret stays', async () => {
    const fields = { roomId: 'r-1', code: 'ECONNREFUSED', port: 5432, none: null, deep: { list: [1, { two: 2 }] } };
    open({ LOG_FORMAT }).info(fields, 'connected');
    const text = await written();
    for (const kept of ['r-1', 'ECONNREFUSED', '5432', 'two', 'connected']) expect(text).toContain(kept);
    expect(text).not.toContain('[redacted]');
  });
});

/** What the fast way has to equal: the same fields through pino. */
const throughPino =
  (logger: Logger): LogRequest =>
  ({ route: { operation, transport, method, path }, ...request }) =>
    logger[request.status >= 500 ? 'warn' : 'info'](
      {
        'event.action': operation,
        'network.protocol': transport,
        'http.request.method': method,
        'url.path': path,
        'http.response.status_code': request.status,
        'event.duration': Math.round(request.milliseconds * 1e6),
        'user.id': request.callerId,
        'organization.id': request.orgId,
        'client.address': request.address,
      },
      'request',
    );

describe('the line of a finished request', () => {
  const route = { operation: 'chat.messages.post', transport: 'rest', method: 'POST', path: '/chat/rooms/:roomId/messages' };

  it.each([
    { route, status: 201, milliseconds: 1.5, callerId: 'p"1', orgId: 'o-1', address: '::1' },
    { route, status: 503, milliseconds: 20 },
    { route: { transport: 'rest', method: 'GET', path: '/health/live' }, status: 200, milliseconds: 0.1 },
  ])('is the same by the short way as through the logger: %j', async (request) => {
    const logger = open();
    runInRequest(beginRequest(), () => {
      throughPino(logger)(request);
      log.request(request);
    });
    const [slow, fast] = await lines();
    const sameTime = { '@timestamp': '' };
    expect({ ...fast, ...sameTime }).toEqual({ ...slow, ...sameTime });
    expect(fast).toMatchObject({ 'http.response.status_code': request.status, 'event.duration': request.milliseconds * 1e6 });
  });

  it('obeys the level', async () => {
    open({ LOG_LEVEL: 'warn' });
    log.request({ route, status: 200, milliseconds: 1 });
    log.request({ route, status: 500, milliseconds: 1 });
    expect(await lines()).toMatchObject([{ 'http.response.status_code': 500 }]);
  });
});

describe('the file', () => {
  it('is written within a second without being asked', async () => {
    open().info('soon');
    await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toContain('soon'), 3000);
  });

  it('that cannot be opened is refused in one sentence', async () => {
    open();
    expect(() =>
      createLog({ LOG_LEVEL: 'info', LOG_FORMAT: 'json', LOG_FILE: folder, NODE_ENV: 'test', OTEL_SERVICE_NAME: 'x' }),
    ).toThrow(StartError);
  });

  it('that is full costs lines, not the process', async () => {
    const told = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    open({ LOG_FILE: '/dev/full' }).info('lost');
    await vi.waitFor(() => expect(told).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('ENOSPC')), 3000);
    told.mockRestore();
  });

  it('is opened anew on SIGHUP, for log rotation', async () => {
    const logger = open();
    logger.info('before');
    await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toContain('before'), 3000);
    renameSync(file, `${file}.1`);
    process.emit('SIGHUP', 'SIGHUP');
    await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toBe(''), 3000);
    logger.info('after');
    await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toContain('after'), 3000);
  });
});

describe("Nest's own messages", () => {
  it('go through it, with their context and their error', async () => {
    const nest = new NestLogger(open());
    nest.log('Mapped {/x, GET} route', 'RouterExplorer');
    nest.error('failed', 'Error: x\n    at somewhere', 'ExceptionsHandler');
    nest.error(new Error('thrown'), undefined, 'Injector');
    expect(await lines()).toMatchObject([
      { 'log.level': 'debug', 'log.logger': 'RouterExplorer', message: 'Mapped {/x, GET} route' },
      { 'log.level': 'error', 'log.logger': 'ExceptionsHandler', 'error.stack_trace': 'Error: x\n    at somewhere' },
      { 'log.level': 'error', 'log.logger': 'Injector', 'error.message': 'thrown', message: 'thrown' },
    ]);
  });
});
