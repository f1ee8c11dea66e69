interface Claims {
  readonly sub: string;
  readonly org: string;
}

/** Read, not verified: only the server can do that. Undefined where the token is of another kind. */
function claimsOf(token: string | undefined): Partial<Claims> | undefined {
  try {
    return JSON.parse(atob(token!.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/')));
  } catch {
    return undefined;
  }
}

export const personOf = (token: string | undefined): string | undefined => claimsOf(token)?.sub;

/** Who a token makes calls as: a person in an organization. Undefined where the token does not say. */
export function ownerOf(token: string | undefined): string | undefined {
  const claims = claimsOf(token);
  return claims?.sub && `${claims.sub} ${claims.org}`;
}

/** Tokens that do not say whose they are may be anybody's. */
export const sameOwner = (one: string, other: string | undefined): boolean =>
  one === other || (ownerOf(one) !== undefined && ownerOf(one) === ownerOf(other));
