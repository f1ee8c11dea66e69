import { StartError } from '../../start-error.ts';

/** The system's reason for a failed file operation, e.g. `ENOSPC`; undefined for any other error. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** A file operation's failure in words; null when the reason is not the operator's to put right. */
export function fileProblem(error: unknown, path: string): StartError | null {
  switch (errorCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new StartError(`The disk that holds ${path} is full: make room, or set DATA_DIR to a folder on another disk.`);
    case 'EACCES':
    case 'EPERM':
      return new StartError(
        `${path} can't be written by this user: change its owner or mode, or set DATA_DIR to another folder.`,
      );
    case 'EROFS':
      return new StartError(
        `${path} is on a file system that is mounted read-only: set DATA_DIR to a folder that can be written.`,
      );
    case 'ENOTDIR':
    case 'EEXIST':
      return new StartError(`${path} is not a folder: move that file away, or set DATA_DIR to another folder.`);
    default:
      return null;
  }
}
