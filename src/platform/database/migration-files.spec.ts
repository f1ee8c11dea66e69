import { describe, expect, test } from 'vitest';
import { majorVersion } from './connection.ts';
import { parseMigration, pendingMigrations } from './migration-files.ts';
import type { AppliedMigration } from './migration-files.ts';

const file = (number: string, text = 'select 1;') => parseMigration(`${number}_step.sql`, text, 'module');
const applied = (number: string, text?: string): AppliedMigration => file(number, text);

describe('a migration file', () => {
  test('says by its first lines what it is', () => {
    expect(file('0001')).toMatchObject({ number: 1, name: '0001_step', breaking: false, transaction: true });
    const marked = file('0002', '-- Drops what nobody reads.\n-- breaking\n-- no-transaction\ndrop table x;');
    expect(marked).toMatchObject({ breaking: true, transaction: false });
    expect(file('0003', 'select 1;\n-- breaking')).toMatchObject({ breaking: false });
  });

  test('is the same file with line ends of Windows', () => {
    expect(file('0001', 'select 1;\r\nselect 2;\r\n').checksum).toBe(file('0001', 'select 1;\nselect 2;\n').checksum);
  });

  test('has a number of four digits and a name', () => {
    expect(() => parseMigration('1_rooms.sql', '', 'module')).toThrow('"1_rooms.sql" is no name for a migration');
  });
});

describe('pending migrations', () => {
  test('are those that are not applied yet, in order', () => {
    const files = [file('0001'), file('0002'), file('0003')];
    expect(pendingMigrations('chat', files, [applied('0001')]).map(({ number }) => number)).toEqual([2, 3]);
  });

  test('a changed file is refused', () => {
    expect(() => pendingMigrations('chat', [file('0001', 'select 2;')], [applied('0001')])).toThrow(
      'The migration 0001_step of "chat" was changed after it had been applied: undo the change and put it into a new migration.',
    );
  });

  test('a file that was overtaken is refused', () => {
    expect(() => pendingMigrations('chat', [file('0001'), file('0002')], [applied('0002')])).toThrow(
      'The migration 0001_step of "chat" is older than 0002_step, which is already applied: give it the next number.',
    );
  });

  test('an older process accepts what it does not know, unless it is breaking', () => {
    expect(pendingMigrations('chat', [file('0001')], [applied('0001'), applied('0002')])).toEqual([]);
    expect(() => pendingMigrations('chat', [file('0001')], [applied('0001'), applied('0002', '-- breaking\nselect 1;')])).toThrow(
      'The schema "chat" was changed by the breaking migration 0002_step, which this version doesn\'t know: run the newer version.',
    );
  });
});

test('a server older than 15 is refused in one sentence', () => {
  expect(majorVersion('15.20 (Debian 15.20-0+deb12u1)')).toBe(15);
  expect(majorVersion('18.4')).toBe(18);
  expect(() => majorVersion('14.9')).toThrow(
    'The database server is PostgreSQL 14.9, but version 15 or newer is needed: upgrade it or point DATABASE_URL at a newer one.',
  );
});
