import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from 'vitest';
import { leftOutTitle } from './services.ts';

/** Something that has to be on this machine, by the name under which one gets it, and whether it is. */
type Need = readonly [name: string, isThere: () => boolean];

/**
 * `describe` for tests that need programs of this machine: left out, and named at the end of the run, where one is missing.
 * With REQUIRE_SERVICES=1 that is an error.
 */
export function describeWith(needs: readonly Need[], title: string, define: () => void): void {
  const missing = needs.filter(([, isThere]) => !isThere()).map(([name]) => name);
  const reason = `not on this machine: ${missing.join(', ')}`;
  if (missing.length > 0 && process.env['REQUIRE_SERVICES'] === '1') throw new Error(`REQUIRE_SERVICES=1, but ${reason}.`);
  describe.runIf(missing.length === 0)(missing.length === 0 ? title : leftOutTitle(title, reason), define);
}

const inPath = (program: string) => () =>
  (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, program)));
const inGoPath = (path: string) => () => existsSync(`/usr/share/gocode/src/${path}`);

/** Debian's names of packages, as the guide has them. */
export const OPENAPI_GENERATOR: readonly Need[] = [
  ['java', inPath('java')],
  ['the file that OPENAPI_GENERATOR_JAR names', () => existsSync(process.env['OPENAPI_GENERATOR_JAR'] ?? '')],
];
export const PYTHON: readonly Need[] = [
  [
    'python3-urllib3 python3-dateutil python3-six python3-certifi',
    () => spawnSync('/usr/bin/python3', ['-c', 'import urllib3, dateutil, six, certifi']).status === 0,
  ],
];
export const PROTOC: readonly Need[] = [['protobuf-compiler', inPath('protoc')]];
export const GO: readonly Need[] = [
  ['golang-go', inPath('go')],
  ...PROTOC,
  ['protoc-gen-go-1-5', inPath('protoc-gen-go')],
  ['protoc-gen-go-grpc', inPath('protoc-gen-go-grpc')],
  ['golang-google-grpc-dev', inGoPath('google.golang.org/grpc')],
  ['golang-google-genproto-dev', inGoPath('google.golang.org/genproto')],
  ['golang-github-google-uuid-dev', inGoPath('github.com/google/uuid')],
];
