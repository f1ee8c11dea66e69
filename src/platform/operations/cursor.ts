import { InvalidInput } from '../contract/platform.problems.ts';
import { Problem } from '../contract/problem.ts';

const PREFIX = 'after:';

/** Where a page ended, as opaque text: clients hand it back and don't build it. */
export const cursorOf = (key: string) => Buffer.from(`${PREFIX}${key}`).toString('base64url');

/**
 * The key that a cursor stands for.
 * @throws Problem InvalidInput for text that is no cursor, or whose key does not look like `pattern`
 */
export function afterCursor(cursor: string | undefined, pattern: RegExp = UUID): string | undefined {
  if (cursor === undefined) return undefined;
  const text = Buffer.from(cursor, 'base64url').toString();
  const key = text.slice(PREFIX.length);
  if (!text.startsWith(PREFIX) || !pattern.test(key))
    throw new Problem(InvalidInput, undefined, {
      errors: [{ pointer: '/cursor', detail: 'Not a cursor that this operation gave out' }],
    });
  return key;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A page from one row more than asked for: the extra row tells that there is a next page. */
export function pageOf<T>(rows: T[], limit: number, keyOf: (row: T) => string): { items: T[]; next?: string } {
  if (rows.length <= limit) return { items: rows };
  const items = rows.slice(0, limit);
  return { items, next: cursorOf(keyOf(items.at(-1)!)) };
}
