import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';

/** One step of the pipeline, taken out. `only` is the condition under which it is skipped: for one transport. */
interface Mutation {
  readonly step: string;
  readonly file: string;
  readonly from: string;
  readonly to: (only: string) => string;
  readonly transports: readonly ('rest' | 'call' | 'graphql' | 'websocket')[];
  /** Tests of the matrix that have to notice. */
  readonly tests: string;
}

const PIPELINE = 'src/platform/operations/pipeline.ts';

const MUTATIONS: readonly Mutation[] = [
  {
    step: 'identify the caller',
    file: PIPELINE,
    from: 'if (credentials.token === undefined) return anonymous();',
    to: () =>
      `const nil = '00000000-0000-0000-0000-000000000000';
       const somebody = { personId: nil, organizationId: nil, roles: ['owner'], sessionId: nil, authenticatedAt: 0, expiresAt: 0 } as never;
       if (credentials.token === undefined) return new Caller(access.who === 'anyone' ? 'anonymous' : 'person', origin, deadline, somebody);`,
    // Between modules the caller has been identified before.
    transports: ['rest', 'websocket'],
    tests: 'anonymous',
  },
  {
    step: 'check access',
    file: PIPELINE,
    from: 'checkAccess(contract.access, caller);\n      const context',
    to: (only) => `if (!(${only})) checkAccess(contract.access, caller);\n      const context`,
    transports: ['rest', 'call', 'graphql', 'websocket'],
    tests: 'anonymous|wrong permission',
  },
  {
    step: 'count against the limit',
    file: PIPELINE,
    from: "if (caller.origin.transport !== 'call' && call.counted !== false) await limiter?.(caller);",
    to: () => 'void limiter;',
    transports: ['rest'],
    tests: 'over the limit.+rest auth.signIn',
  },
  {
    step: 'validate the input',
    file: PIPELINE,
    from: 'const input = validateInput(contract, context ? context.input : call.input(), call.unknownFields);',
    to: (only) =>
      `const given = (context ? context.input : call.input()) as object;
       const input = ${only} ? given : validateInput(contract, given, call.unknownFields);`,
    transports: ['rest', 'call', 'graphql', 'websocket'],
    tests: 'invalid input',
  },
  {
    step: 'refuse unknown fields',
    file: 'src/platform/transports/rest/routes.ts',
    from: "unknownFields: 'refuse',",
    to: () => "unknownFields: 'drop',",
    transports: ['rest'],
    tests: 'unknown field',
  },
  {
    step: 'refuse unknown fields',
    file: 'src/platform/transports/websocket/calls.ts',
    from: "unknownFields: 'refuse',",
    to: () => "unknownFields: 'drop',",
    transports: ['websocket'],
    tests: 'unknown field',
  },
  {
    step: 'claim the idempotency key',
    file: PIPELINE,
    from: "if (contract.retry !== 'key' || call.idempotencyKey === undefined)",
    to: () => 'if (call.idempotencyKey !== null)',
    transports: ['rest'],
    tests: 'repeated with one key',
  },
  {
    step: 'shape the output',
    file: PIPELINE,
    from: "form === 'json' ? shape.json(result) : shape.value(result)",
    to: (only) =>
      only.includes("'rest'")
        ? "form === 'json' ? JSON.stringify(result) : shape.value(result)"
        : "form === 'json' ? shape.json(result) : result",
    transports: ['rest', 'call'],
    tests: 'undeclared output',
  },
];

const root = join(import.meta.dirname, '../..');

/** The matrix on a copy of the source with one edit: its exit code and what it printed. */
async function runMatrix(edit: { file: string; from: string; to: string } | undefined, tests: string) {
  const copy = await mkdtemp(join(tmpdir(), 'fondasi-mutation-'));
  try {
    for (const part of ['src', 'test', 'package.json', 'tsconfig.json', 'vitest.config.ts'])
      await cp(join(root, part), join(copy, part), { recursive: true });
    await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
    if (edit) {
      const path = join(copy, edit.file);
      const source = await readFile(path, 'utf8');
      expect(source.split(edit.from), `the step stands once in ${edit.file}`).toHaveLength(2);
      await writeFile(
        path,
        source.replace(edit.from, () => edit.to),
      );
    }
    const env = { ...process.env, FONDASI_TEST_POSTGRES: inject('postgresUrl'), NO_COLOR: '1' };
    const args = [
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--project',
      'e2e',
      'test/matrix/matrix',
      '-t',
      tests,
      '--reporter=default',
    ];
    return await new Promise<{ code: number; output: string }>((resolve) => {
      execFile(process.execPath, args, { cwd: copy, env, maxBuffer: 64_000_000 }, (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr });
      });
    });
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

const cases = MUTATIONS.flatMap(({ transports, ...mutation }) => transports.map((transport) => ({ ...mutation, transport })));

describe('the matrix notices when a step of the pipeline is missing', { timeout: 120_000 }, () => {
  test('an unchanged copy is green', async () => {
    const { code, output } = await runMatrix(undefined, 'unknown field');
    expect(code, output).toBe(0);
    expect(output).toMatch(/\d+ passed/);
  });

  test.each(cases)('$step ($transport)', async ({ file, from, to, transport, tests }) => {
    const { code, output } = await runMatrix({ file, from, to: to(`call.origin.transport === '${transport}'`) }, tests);
    expect(code, output).not.toBe(0);
    // Red for the right reason: assertions about this transport, not a copy that can't start.
    expect(output).toMatch(new RegExp(`FAIL .*> .*${transport} `));
    expect(output).toMatch(/AssertionError|Problem/);
  });
});
