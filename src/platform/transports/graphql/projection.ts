import type { Problem } from '../../contract/problem.ts';
import type { LinkLoader } from './link-loader.ts';
import type { Composite, SelectedField } from './selection.ts';

export type Path = readonly (string | number)[];

/** Told of a place that is null because of a problem. */
type OnProblem = (problem: Problem, path: Path) => void;

/** What was selected of a value, under the names that the client gave. Links are loaded already. */
export class Projection {
  private readonly links: LinkLoader;
  private readonly onProblem: OnProblem;

  constructor(links: LinkLoader, onProblem: OnProblem) {
    this.links = links;
    this.onProblem = onProblem;
  }

  of(composite: Composite, value: any, path: Path): unknown {
    if (value === undefined || value === null) return null;
    // Places are told only where something failed: to keep them costs more than all the rest.
    const at = (step: string | number) => (this.links.failed ? [...path, step] : path);
    if (Array.isArray(value)) return value.map((item, index) => this.of(composite, item, at(index)));
    const answer: Record<string, unknown> = {};
    for (const field of composite.of(value).fields) answer[field.key] = this.field(field, value, at(field.key));
    return answer;
  }

  private field({ read, composite, link }: SelectedField, parent: object, path: Path): unknown {
    const value = read(parent) ?? null;
    if (composite === undefined || value === null) return value;
    if (link === undefined) return this.of(composite, value, path);
    const loaded = this.links.find(link.target, value);
    if (loaded && 'problem' in loaded) {
      this.onProblem(loaded.problem, path);
      return null;
    }
    return this.of(composite, loaded?.object, path);
  }
}
