import type { Role } from '#platform/contract/access';

/** Who may call. Written by hand and reviewed: the contracts are checked against it, not the other way round. */
export type Expected = {
  readonly who: 'anyone' | 'signedIn' | 'service' | readonly Role[];
  /**
   * What somebody of another organization gets who calls with this one's ids: the code of a problem, `empty` (an
   * answer that holds nothing of it), or `own` where the input names nothing that belongs to an organization.
   */
  readonly foreign: string;
};

export const EXPECTED: Readonly<Record<string, Expected>> = {
  'auth.signUp': { who: 'anyone', foreign: 'own' },
  'auth.signIn': { who: 'anyone', foreign: 'own' },
  'auth.refresh': { who: 'anyone', foreign: 'own' },
  'auth.signOut': { who: 'signedIn', foreign: 'own' },
  'auth.switchOrganization': { who: 'signedIn', foreign: 'users/organization-not-found' },
  'auth.setUp': { who: 'anyone', foreign: 'own' },
  'users.me': { who: 'signedIn', foreign: 'own' },
  'users.update': { who: 'signedIn', foreign: 'own' },
  'users.get': { who: 'signedIn', foreign: 'users/user-not-found' },
  'users.getMany': { who: 'signedIn', foreign: 'empty' },
  'users.list': { who: ['owner', 'admin', 'member'], foreign: 'own' },
  'users.organizations.create': { who: 'signedIn', foreign: 'own' },
  'users.organizations.list': { who: 'signedIn', foreign: 'own' },
  'users.invitations.create': { who: ['owner', 'admin'], foreign: 'own' },
  'users.invitations.accept': { who: 'signedIn', foreign: 'own' },
  'users.invitations.check': { who: 'service', foreign: 'own' },
  'users.register': { who: 'service', foreign: 'own' },
  'users.membership': { who: 'service', foreign: 'own' },
  'users.findOwner': { who: 'service', foreign: 'own' },
  'chat.rooms.create': { who: 'signedIn', foreign: 'own' },
  'chat.rooms.list': { who: 'signedIn', foreign: 'own' },
  'chat.rooms.get': { who: 'signedIn', foreign: 'chat/room-not-found' },
  'chat.rooms.invite': { who: 'signedIn', foreign: 'chat/room-not-found' },
  'chat.rooms.join': { who: 'signedIn', foreign: 'chat/room-not-found' },
  'chat.rooms.leave': { who: 'signedIn', foreign: 'chat/room-not-found' },
  'chat.rooms.removeMember': { who: 'signedIn', foreign: 'chat/room-not-found' },
  'chat.messages.post': { who: 'signedIn', foreign: 'chat/room-not-found' },
  'chat.messages.list': { who: 'signedIn', foreign: 'chat/room-not-found' },
};
