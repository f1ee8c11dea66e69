import type { Problem } from '../../contract/problem.ts';
import type { LinkTarget } from './links.ts';
import type { Composite } from './selection.ts';

/** Asks an operation for the objects with these ids. */
type Fetch = (target: LinkTarget, ids: readonly string[]) => Promise<readonly { id: string }[]>;

type Loaded = { readonly object: object | undefined } | { readonly problem: Problem };

/** A value whose links are wanted. */
export interface Linking {
  readonly composite: Composite;
  readonly value: unknown;
}

/**
 * The linked objects of one request. All links of a level are gathered before anything is asked for, so that fifty
 * messages cost one call for their authors; an object that is known is not asked for again.
 */
export class LinkLoader {
  private readonly fetch: Fetch;
  private readonly asProblem: (error: unknown) => Problem;
  private readonly known = new Map<LinkTarget, Map<string, Loaded>>();
  /** Whether a link is null because it failed. */
  failed = false;

  constructor(fetch: Fetch, asProblem: (error: unknown) => Problem) {
    this.fetch = fetch;
    this.asProblem = asProblem;
  }

  find(target: LinkTarget, id: string): Loaded | undefined {
    return this.known.get(target)?.get(id);
  }

  /** Loads what is linked from the values, level by level. */
  async load(from: readonly Linking[]): Promise<void> {
    let level = from;
    while (level.length > 0) {
      const wanted = new Wanted(this);
      for (const { composite, value } of level) wanted.gather(composite, value);
      await Promise.all(
        [...wanted.ids].flatMap(([target, ids]) => chunks([...ids], target.most).map((some) => this.loadSome(target, some))),
      );
      level = wanted.below.flatMap(({ composite, target, id }) => {
        const loaded = this.find(target, id);
        return loaded && 'object' in loaded && loaded.object ? [{ composite, value: loaded.object }] : [];
      });
    }
  }

  private async loadSome(target: LinkTarget, ids: readonly string[]): Promise<void> {
    let known = this.known.get(target);
    if (!known) this.known.set(target, (known = new Map()));
    try {
      for (const object of await this.fetch(target, ids)) known.set(object.id, { object });
      for (const id of ids) if (!known.has(id)) known.set(id, { object: undefined });
    } catch (error) {
      this.failed = true;
      const problem = this.asProblem(error);
      for (const id of ids) known.set(id, { problem });
    }
  }
}

/** What the links of one level ask for. */
class Wanted {
  readonly ids = new Map<LinkTarget, Set<string>>();
  /** Linked objects that have links themselves. */
  readonly below: { composite: Composite; target: LinkTarget; id: string }[] = [];
  private readonly seen = new Map<Composite, Set<string>>();
  private readonly loader: LinkLoader;

  constructor(loader: LinkLoader) {
    this.loader = loader;
  }

  gather(composite: Composite, value: any): void {
    if (!composite.linked || value === undefined || value === null) return;
    if (Array.isArray(value)) {
      for (const item of value) this.gather(composite, item);
      return;
    }
    for (const { link, read, composite: inner } of composite.of(value).linked) {
      const child = read(value);
      if (!link) this.gather(inner!, child);
      else if (child !== undefined && child !== null) this.want(link.target, child, inner!);
    }
  }

  private want(target: LinkTarget, id: string, inner: Composite): void {
    if (!this.loader.find(target, id)) {
      const ids = this.ids.get(target);
      if (ids) ids.add(id);
      else this.ids.set(target, new Set([id]));
    }
    if (!inner.linked) return;
    const seen = this.seen.get(inner);
    if (seen?.has(id)) return;
    if (seen) seen.add(id);
    else this.seen.set(inner, new Set([id]));
    this.below.push({ composite: inner, target, id });
  }
}

function chunks<T>(items: readonly T[], most: number): T[][] {
  const made: T[][] = [];
  for (let from = 0; from < items.length; from += most) made.push(items.slice(from, from + most));
  return made;
}
