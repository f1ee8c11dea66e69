import { createHash } from 'node:crypto';
import { chownSync, lstatSync, mkdirSync, mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reachable, type ServerUser } from './access.ts';
import { errorCode } from './file-problem.ts';

/** Clients and server find the socket under this name, in whichever folder it is. */
const SOCKET_NAME = '.s.PGSQL.5432';

/** What a socket's address may hold: 108 bytes on Linux and 104 elsewhere, the closing zero included. */
const LONGEST = process.platform === 'linux' ? 107 : 103;

/**
 * The folder for the server's socket: the cluster itself, which nobody else may enter; when that path is too long for a
 * socket's address, a private folder with a short one.
 */
export function socketFolder(cluster: string, user: ServerUser): string {
  if (fits(cluster)) return cluster;
  const name = `fondasi-${createHash('sha256').update(realpathSync(cluster)).digest('hex').slice(0, 12)}`;
  const place = [tmpdir(), '/tmp', '/var/tmp'].find((at) => fits(join(at, name)) && reachable(realpathSync(at), user)) ?? '/tmp';
  const path = join(place, name);
  return makePrivate(path, user) ? path : own(mkdtempSync(join(place, 'fondasi-')), user);
}

const fits = (folder: string): boolean => Buffer.byteLength(join(folder, SOCKET_NAME)) <= LONGEST;

/** False when the name is taken by something that another user could have put there. */
function makePrivate(path: string, user: ServerUser): boolean {
  try {
    mkdirSync(path, { mode: 0o700 });
    own(path, user);
    return true;
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
  const found = lstatSync(path);
  return found.isDirectory() && found.uid === (user?.uid ?? process.getuid?.()) && (found.mode & 0o077) === 0;
}

function own(path: string, user: ServerUser): string {
  if (user) chownSync(path, user.uid, user.gid);
  return path;
}
