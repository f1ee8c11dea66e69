import { symlinkSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningApp, startApp } from '../support/app.ts';
import { newPerson, PASSWORD } from '../support/person.ts';
import { describeWith, OPENAPI_GENERATOR, PYTHON } from '../support/toolchain.ts';
import { codeOf, commandsOf, run } from './guide.ts';

describeWith([...OPENAPI_GENERATOR, ...PYTHON], 'clients that are generated from the published OpenAPI', () => {
  let app: RunningApp;
  let folder: string;
  beforeAll(async () => {
    app = await startApp();
    folder = await mkdtemp(join(tmpdir(), 'fondasi-openapi-client-'));
    await mkdir(join(folder, 'package/bin'), { recursive: true });
    symlinkSync(process.env['OPENAPI_GENERATOR_JAR']!, join(folder, 'package/bin/openapi-generator.jar'));
    await run(folder, 'bash', '-ec', commandsOf(app, 'Python', ['npm', 'tar']));
  });
  afterAll(async () => {
    await app?.close();
    await rm(folder, { recursive: true });
  });

  test("the guide's Python signs in, posts once, understands a problem, and misses nothing", async () => {
    const ann = await newPerson(app, 'Ann');
    await writeFile(join(folder, 'hello.py'), codeOf(app, 'Python', 'python'));
    expect(await run(folder, '/usr/bin/python3', 'hello.py', ann.email, PASSWORD)).toEqual([
      'Ann',
      '1 Hello from Python',
      '404 chat/room-not-found',
      'missed: one two',
    ]);
  });

  test("the guide's Dart calls what the generator makes", async () => {
    const program = codeOf(app, 'Dart', 'dart');
    const jar = 'package/bin/openapi-generator.jar';
    await run(folder, 'java', '-jar', jar, 'generate', '-i', 'openapi-3.0.json', '-g', 'dart', '-o', 'dart');
    const sources = (await readdir(join(folder, 'dart/lib'), { recursive: true })).filter((name) => name.endsWith('.dart'));
    const generated = (await Promise.all(sources.map((name) => readFile(join(folder, 'dart/lib', name), 'utf8')))).join('\n');
    const classes = new Set(program.match(/\b[A-Z]\w+(?:Api|Input|Auth|Client)\b|\bProblem\b/g));
    const methods = new Set(program.match(/\b(?:auth|users|chat)[A-Z]\w+(?=\()/g));
    expect([classes.size, methods.size]).toEqual([9, 6]);
    for (const name of classes) expect(generated).toContain(`class ${name} `);
    for (const name of methods) expect(generated).toMatch(new RegExp(`^  Future<\\w+> ${name}\\(`, 'm'));
  });
});
