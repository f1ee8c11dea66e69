import { z } from 'zod';
import type { LinkDefinition } from '../../contract/link.ts';
import type { Portable } from '../../contract/portable.ts';
import type { BoundOperation } from '../../operations/bound-operation.ts';
import { definitionsOf } from '../../operations/fondasi-module.decorator.ts';
import type { Served } from '../../operations/operations.ts';

/** Where linked objects come from. One for each operation, so that all links to it are asked for together. */
export interface LinkTarget {
  readonly operation: BoundOperation;
  /** How many ids one call takes. */
  readonly most: number;
  readonly item: Portable & { readonly kind: 'object' };
}

/** A field that another module fills. */
export interface LinkField {
  readonly field: string;
  /** The field of the object itself that holds the id. */
  readonly by: string;
  readonly target: LinkTarget;
}

const MOST_AT_ONCE = 100;

/** The links of all modules by the schema that they start at. One to a module that the product does not have is left out. */
export function linksOf({ modules, operations }: Pick<Served, 'modules' | 'operations'>): Map<string, LinkField[]> {
  const targets = new Map<BoundOperation, LinkTarget>();
  const links = new Map<string, LinkField[]>();
  for (const { contract } of modules)
    for (const { from, field, by, to } of definitionsOf<LinkDefinition>(contract, 'link')) {
      const operation = operations.find((each) => each.contract === to);
      if (!operation) continue;
      const target = targets.get(operation) ?? targetOf(operation, `link ${from}.${field}`);
      targets.set(operation, target);
      links.set(from, [...(links.get(from) ?? []), { field, by, target }]);
    }
  return links;
}

function targetOf(operation: BoundOperation, link: string): LinkTarget {
  const { contract } = operation;
  if (contract.access.who === 'service') throw new Error(`${link}: ${contract.name} is for modules only`);
  const items = contract.outputFields.find(({ name }) => name === 'items')?.type;
  if (items?.kind !== 'list' || items.of.kind !== 'object' || !items.of.fields().some(({ name }) => name === 'id'))
    throw new Error(`${link}: ${contract.name} answers no "items" that have an "id"`);
  const ids = z.toJSONSchema(contract.input, { io: 'input' }).properties!['ids'] as { maxItems?: number };
  return { operation, most: ids.maxItems ?? MOST_AT_ONCE, item: items.of };
}
