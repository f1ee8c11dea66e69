/** The definitions of one kind that a contract exports. */
export const definitionsOf = <T extends { kind: string }>(contract: object, kind: T['kind']): T[] =>
  Object.values(contract).filter((value): value is T => value?.kind === kind);
