/** A page as an operation answers it. */
interface Page {
  readonly items: readonly object[];
  readonly next?: string;
}

/** Arguments of a connection and the fields of the contract's `paging()` that they stand for. */
export const PAGING = { limit: 'first', cursor: 'after' } as const;

export const nodesOf = ({ items }: Page) => items;

/** An operation tells where its page ends, not where each item is: only the last edge has a cursor. */
export const edgesOf = ({ items, next }: Page) =>
  items.map((node, index) => ({ node, cursor: index === items.length - 1 ? (next ?? null) : null }));

export const pageInfoOf = ({ next }: Page) => ({ hasNextPage: next !== undefined, endCursor: next ?? null });
