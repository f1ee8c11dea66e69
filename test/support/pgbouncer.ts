import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseIntoClientConfig } from 'pg-connection-string';
import { vi } from 'vitest';
import { freePort } from './ports.ts';

/** Why PgBouncer can't be used here; undefined when it can. */
export const pgbouncerMissing = (): string | undefined =>
  spawnSync('pgbouncer', ['--version']).error ? 'pgbouncer is not installed' : undefined;

/** Starts a PgBouncer in transaction mode in front of a server, with few connections so that clients have to share. */
export async function startPgbouncer(
  server: string,
  users: Readonly<Record<string, string>>,
): Promise<{ url: string; stop(): Promise<void> }> {
  const { host, port } = parseIntoClientConfig(server);
  const folder = await mkdtemp(join(tmpdir(), 'pgbouncer-'));
  const listen = await freePort();
  const root = process.getuid?.() === 0; // it refuses to run as root
  await writeFile(
    join(folder, 'pgbouncer.ini'),
    `[databases]
* = host=${host} port=${port ?? 5432}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listen}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${folder}/users.txt
pool_mode = transaction
default_pool_size = 2
`,
  );
  const lines = Object.entries(users).map(([name, password]) => `"${name}" "${password}"`);
  await writeFile(join(folder, 'users.txt'), `${lines.join('\n')}\n`);
  if (root) await chown(folder, nobody, nobody);
  await chmod(folder, 0o755);
  const child = spawn('pgbouncer', [join(folder, 'pgbouncer.ini')], {
    stdio: 'ignore',
    cwd: '/',
    ...(root && { uid: nobody, gid: nobody }),
  });
  await vi.waitUntil(() => answers(listen), { timeout: 5_000 });
  return {
    url: `postgres://nobody@127.0.0.1:${listen}`,
    stop: async () => {
      const exit = once(child, 'exit');
      child.kill('SIGINT');
      await exit;
      await rm(folder, { recursive: true });
    },
  };
}

const nobody = 65_534;

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
