import { readFileSync, readlinkSync, realpathSync, readdirSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** What a running server writes about itself into `postmaster.pid` of its folder. */
export type Postmaster = { pid: number; port: number; socketFolder: string; ready: boolean };

/** The file's content, whoever wrote it and whether it still runs or not; undefined when there is none (or half of one). */
export function readPostmasterFile(cluster: string): Postmaster | undefined {
  let lines: string[];
  try {
    lines = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return undefined;
  }
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  const socketFolder = lines[4] ?? '';
  return {
    pid,
    port: Number(lines[3]),
    socketFolder: socketFolder.startsWith('/proc/self/cwd') ? cluster : socketFolder,
    ready: lines[7]?.trim() === 'ready',
  };
}

/** The server that really runs on this folder: the file's process lives, is a PostgreSQL, and works in this very folder. */
export function findPostmaster(cluster: string): Postmaster | undefined {
  const written = readPostmasterFile(cluster);
  return written && isAlive(written.pid) && isServerOf(written.pid, cluster) ? written : undefined;
}

/** Does the process still do anything? A zombie doesn't. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  if (process.platform !== 'linux') return true;
  try {
    const state = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !'ZX'.includes(state.charAt(state.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

/** Its command line says PostgreSQL, and its working folder (elsewhere than on Linux: its -D) is the cluster. */
function isServerOf(pid: number, cluster: string): boolean {
  try {
    if (process.platform === 'linux') {
      return isPostgres(pid) && readlinkSync(`/proc/${pid}/cwd`) === realpathSync(cluster);
    }
    if (process.platform === 'win32') {
      return execFileSync('tasklist', ['/FI', `PID eq ${pid}`, '/FO', 'CSV', '/NH'], { encoding: 'utf8' }).includes(
        'postgres.exe',
      );
    }
    const command = execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
    return /(^|\/)postgres\s/.test(command) && command.includes(cluster);
  } catch {
    return false; // gone meanwhile, or another user's: then it is not a server of our folder
  }
}

function isPostgres(pid: number): boolean {
  // Backends overwrite their command line: "postgres: checkpointer "
  return /(^|\/)postgres[\0:]/.test(readFileSync(`/proc/${pid}/cmdline`, 'latin1'));
}

/**
 * Every PostgreSQL process that works in the folder, backends included: when the server was killed, its backends may outlive it
 * for a moment, and some may be stuck. Empty on systems without `/proc`.
 */
export function processesIn(cluster: string): number[] {
  if (process.platform !== 'linux') return [];
  const folder = realpathSync(cluster);
  return readdirSync('/proc').flatMap((entry) => {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) return [];
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === folder && isPostgres(pid) ? [pid] : [];
    } catch {
      return [];
    }
  });
}
