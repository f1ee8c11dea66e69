import { type Window, windowSeconds } from './limit.ts';

/** The roles that a membership can carry; from most to least. A guest is an outsider in a room. */
export const ROLES = ['owner', 'admin', 'member', 'guest'] as const;
export type Role = (typeof ROLES)[number];

/** The organization that everyone belongs to who does not know of organizations; its administrators run the installation. */
export const DEFAULT_ORGANIZATION = '00000000-0000-7000-8000-000000000001';

/** Something that a caller may or may not do in an organization, and the roles that may. */
export interface PermissionDefinition {
  readonly kind: 'permission';
  /** `<module>.<noun>.<verb>` */
  readonly name: string;
  readonly summary: string;
  readonly roles: readonly Role[];
  /** It is about the whole installation: held in the default organization only. */
  readonly installation?: boolean;
}

export const permission = (definition: Omit<PermissionDefinition, 'kind'>): PermissionDefinition => ({
  kind: 'permission',
  ...definition,
});

/** Who may call at all. Whether this caller may touch this row is the service's question. */
export type Access =
  | { readonly who: 'anyone' }
  | { readonly who: 'signedIn' }
  | { readonly who: 'may'; readonly permission: PermissionDefinition }
  | { readonly who: 'steppedUp'; readonly withinSeconds: number }
  | { readonly who: 'service' };

/** Anybody, without a token. */
export const anyone = (): Access => ({ who: 'anyone' });
/** Any person or API key with a valid token. */
export const signedIn = (): Access => ({ who: 'signedIn' });
/** Whoever holds the permission in the organization that the token names. */
export const may = (permitted: PermissionDefinition): Access => ({ who: 'may', permission: permitted });
/** A person who proved themselves again within the window. */
export const steppedUp = (window: Window): Access => ({ who: 'steppedUp', withinSeconds: windowSeconds(window) });
/** Other modules only; never reachable from outside. */
export const service = (): Access => ({ who: 'service' });

/** Whether it exists for protocols: what only modules may call or follow does not. */
export const isForOutside = ({ access }: { readonly access: Access }): boolean => access.who !== 'service';
