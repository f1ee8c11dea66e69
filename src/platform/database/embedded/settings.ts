import { statfsSync } from 'node:fs';
import { totalmem } from 'node:os';

const MB = 1024 * 1024;

/** Server settings that fit the machine: its memory (or the container's share of it) and the disk's size, both in bytes. */
export function fittedSettings(memory: number, disk: number): Record<string, string> {
  return {
    max_connections: '100',
    shared_buffers: part(memory, 8, 32, 1024),
    effective_cache_size: part(memory, 2, 64, 65_536),
    work_mem: part(memory, 1024, 4, 32),
    maintenance_work_mem: part(memory, 64, 16, 256),
    // A small disk must not fill with its own journal.
    max_wal_size: part(disk, 10, 64, 1024),
    min_wal_size: '32MB',
    // After a crash the folder is synced before it is read: one call instead of one per file.
    ...(process.platform === 'linux' && { recovery_init_sync_method: 'syncfs' }),
    // Statements' errors are answered to whoever sent them, and their text may be private: the log tells about the server.
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    log_checkpoints: 'off',
    log_line_prefix: `'%m [%p] '`,
    log_timezone: 'UTC',
    timezone: 'UTC',
  };
}

/** `of / share`, between `least` and `most` MB. */
function part(of: number, share: number, least: number, most: number): string {
  return `${Math.min(most, Math.max(least, Math.floor(of / share / MB)))}MB`;
}

export function machineSettings(cluster: string): Record<string, string> {
  const limit = process.constrainedMemory();
  const memory = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  const disk = statfsSync(cluster);
  return fittedSettings(memory, disk.bsize * disk.blocks);
}

export function asConfigFile(settings: Record<string, string>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('');
}
