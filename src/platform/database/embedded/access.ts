import { lstatSync, statSync, type Stats } from 'node:fs';
import { dirname, parse } from 'node:path';
import { StartError } from '../../start-error.ts';

/** The user that PostgreSQL's processes run as; undefined: the same as ours. PostgreSQL refuses to run as root. */
export type ServerUser = { uid: number; gid: number } | undefined;

/** `nobody` on every Linux and BSD; macOS counts it as -2, which setuid takes as this very number only on 32 bits. */
const UNPRIVILEGED = 65534;

const isRoot = (): boolean => process.getuid?.() === 0;

/** Root hands the cluster to an unprivileged user: the one who owns it already, else `nobody`. */
export function serverUser(cluster: string): ServerUser {
  if (!isRoot()) return undefined;
  const owner = statSync(cluster, { throwIfNoEntry: false });
  return owner && owner.uid !== 0 ? { uid: owner.uid, gid: owner.gid } : { uid: UNPRIVILEGED, gid: UNPRIVILEGED };
}

/** A cluster can only be started by the user who owns it (PostgreSQL checks that too, in more words). */
export function checkOwner(cluster: string): void {
  const owner = statSync(cluster, { throwIfNoEntry: false });
  if (!owner || process.getuid === undefined || isRoot() || owner.uid === process.getuid()) return;
  throw new StartError(
    `${cluster} belongs to user ${owner.uid} and you are user ${process.getuid()}: start as that user, or set DATA_DIR to another folder.`,
  );
}

/** May the user go through every folder above `path`, and into it? Always true for the user that we are ourselves. */
export function reachable(path: string, user: ServerUser): boolean {
  if (!user) return true;
  for (let at = path; ; at = dirname(at)) {
    if (!allows(lstatSync(at), user, 1)) return false;
    if (at === parse(at).root) return true;
  }
}

/** Classic permission bits (4 read, 2 write, 1 enter); access lists are left out of account, so the answer may be a false no. */
export function allows(file: Stats, user: NonNullable<ServerUser>, bit: 1 | 2 | 4): boolean {
  if (file.uid === user.uid) return (file.mode & (bit << 6)) !== 0;
  if (file.gid === user.gid) return (file.mode & (bit << 3)) !== 0;
  return (file.mode & bit) !== 0;
}
