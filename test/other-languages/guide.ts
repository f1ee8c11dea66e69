import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { RunningApp } from '../support/app.ts';

const text = readFileSync(join(import.meta.dirname, '../../docs/guides/other-languages.md'), 'utf8');

/** A section's code of one kind, aimed at the running server. */
export function codeOf({ url, grpcPort }: RunningApp, section: string, kind: string): string {
  const found = text.split(/^## /m).find((part) => part.startsWith(section));
  const code = new RegExp(`^\`\`\`${kind}\\n(.*?)^\`\`\`$`, 'ms').exec(found ?? '')?.[1];
  if (!code) throw new Error(`The guide's section "${section}" has no ${kind}.`);
  return code.replaceAll('http://localhost:3000', url).replaceAll('localhost:50051', `127.0.0.1:${grpcPort}`);
}

/** What the guide tells the reader to type, as a script; `without` names the commands that fetch what is there already. */
export const commandsOf = (app: RunningApp, section: string, without: readonly string[] = []): string =>
  codeOf(app, section, 'console')
    .split('\n')
    .map((line) => line.replace(/^\$ /, ''))
    .filter((line) => !without.includes(line.split(' ')[0]!))
    .join('\n');

/** Runs a program in a folder; its lines. Fails with what it said when it fails. */
export async function run(folder: string, program: string, ...args: string[]): Promise<string[]> {
  const { stdout } = await promisify(execFile)(program, args, { cwd: folder, maxBuffer: 16 * 1024 * 1024 });
  return stdout.trimEnd().split('\n');
}
