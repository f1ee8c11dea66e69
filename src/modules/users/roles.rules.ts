import { type Role, ROLES } from '#platform/contract/access';

const rank = (role: Role) => ROLES.indexOf(role);

/** Nobody can hand out a role above their own highest one. */
export const mayGrant = (own: readonly Role[], granted: readonly Role[]): boolean => {
  const highest = Math.min(...own.map(rank));
  return granted.every((role) => rank(role) >= highest);
};
